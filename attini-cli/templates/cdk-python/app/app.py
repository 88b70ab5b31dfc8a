import os

import aws_cdk as cdk

from app_stack import AppStack

# Every runner job has these.
environment = os.environ.get("ATTINI_ENVIRONMENT_NAME", "dev")
distribution = os.environ.get("ATTINI_DISTRIBUTION_NAME", "cdk-python")

app = cdk.App()
# The id `AppStack` is the name of the stack's outputs in the plan: $.output.DeployApp.AppStack.
AppStack(app, "AppStack", stack_name=f"{environment}-{distribution}-app")
app.synth()
