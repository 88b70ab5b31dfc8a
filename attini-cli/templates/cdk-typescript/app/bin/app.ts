import * as cdk from "aws-cdk-lib";
import { AppStack } from "../lib/app-stack";

// Every runner job has these.
const environment = process.env.ATTINI_ENVIRONMENT_NAME ?? "dev";
const distribution = process.env.ATTINI_DISTRIBUTION_NAME ?? "cdk-typescript";

const app = new cdk.App();
// The id `AppStack` is the name of the stack's outputs in the plan: $.output.DeployApp.AppStack.
new AppStack(app, "AppStack", { stackName: `${environment}-${distribution}-app` });
