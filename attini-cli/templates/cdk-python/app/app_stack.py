from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_sns as sns
from constructs import Construct


class AppStack(Stack):
    def __init__(self, scope: Construct, construct_id: str, **kwargs) -> None:
        super().__init__(scope, construct_id, **kwargs)
        topic = sns.Topic(self, "Topic")
        CfnOutput(self, "TopicName", value=topic.topic_name)
