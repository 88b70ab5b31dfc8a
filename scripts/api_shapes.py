"""Reduces the public API models in botocore (Apache License 2.0) to what checking a mocked result needs.

python3 scripts/api_shapes.py BOTOCORE_FOLDER > attini-local/src/simulate/shapes.json
"""
import gzip, json, pathlib, sys

# service name in a resource ARN -> folder in botocore, operations (None: all)
SERVICES = {
    "dynamodb": ("dynamodb", ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem", "TransactWriteItems", "TransactGetItems", "CreateTable", "DeleteTable", "DescribeTable", "ListTables"]),
    "ecs": ("ecs", ["RunTask", "StopTask", "ListTasks"]),
    "batch": ("batch", ["SubmitJob", "TerminateJob"]),
    "cloudformation": ("cloudformation", ["CreateStack", "UpdateStack", "DeleteStack", "DescribeStacks", "CreateChangeSet", "ExecuteChangeSet"]),
    "codebuild": ("codebuild", ["StartBuild", "StopBuild", "BatchGetBuilds"]),
    "ec2": ("ec2", ["StartInstances", "StopInstances"]),
    "events": ("events", ["PutEvents", "PutRule", "PutTargets"]),
    "glue": ("glue", ["StartJobRun", "GetJobRun", "StartCrawler"]),
    "athena": ("athena", ["StartQueryExecution", "GetQueryExecution", "GetQueryResults", "StopQueryExecution"]),
    "kms": ("kms", ["Encrypt", "Decrypt", "GenerateDataKey", "CreateKey", "DescribeKey", "Sign", "Verify", "ListKeys", "ReEncrypt"]),
    "lambda": ("lambda", ["Invoke", "GetFunction", "CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration", "GetFunctionConfiguration", "ListFunctions", "DeleteFunction", "PublishVersion"]),
    "s3": ("s3", ["GetObject", "PutObject", "DeleteObject", "HeadObject", "CopyObject", "ListObjectsV2", "ListObjects", "ListBuckets", "CreateBucket", "DeleteObjects"]),
    "secretsmanager": ("secretsmanager", ["GetSecretValue", "PutSecretValue", "CreateSecret", "DescribeSecret", "ListSecrets"]),
    "sfn": ("stepfunctions", ["StartExecution", "StartSyncExecution", "StopExecution", "DescribeExecution", "DescribeStateMachine", "CreateStateMachine", "ListExecutions", "ListStateMachines", "SendTaskSuccess", "SendTaskFailure", "GetExecutionHistory"]),
    "sns": ("sns", ["Publish", "PublishBatch", "CreateTopic", "Subscribe"]),
    "sqs": ("sqs", ["SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl", "CreateQueue"]),
    "ssm": ("ssm", ["GetParameter", "GetParameters", "GetParametersByPath", "PutParameter", "SendCommand"]),
    "sts": ("sts", ["GetCallerIdentity", "AssumeRole"]),
}
# Where the service was seen to check against an older model: (service, shape) -> bounds.
RECORDED = {("lambda", "MemorySize"): {"max": 10240}}
NUMBERS = {"integer", "long", "float", "double", "bigdecimal"}


def pascal(name):
    return name[:1].upper() + name[1:]


def reduced(shape):
    kind = shape["type"]
    if shape.get("document"):
        return {"type": "any"}, []
    if kind == "structure":
        members = {pascal(name): member["shape"] for name, member in shape.get("members", {}).items()}
        result = {"type": "object", "fields": members}
        if shape.get("required"):
            result["required"] = [pascal(name) for name in shape["required"]]
        return result, list(members.values())
    if kind == "list":
        return {"type": "array", "of": shape["member"]["shape"]}, [shape["member"]["shape"]]
    if kind == "map":
        return {"type": "map", "of": shape["value"]["shape"]}, [shape["value"]["shape"]]
    result = {"type": "number" if kind in NUMBERS else "boolean" if kind == "boolean" else "string"}
    if kind != "timestamp":
        for bound in ("min", "max"):
            if bound in shape:
                result[bound] = shape[bound]
    return result, []


def main(folder):
    services = {}
    for service, (name, wanted) in SERVICES.items():
        path = sorted(pathlib.Path(folder, "data", name).glob("*/service-2.json*"))[-1]
        opened = gzip.open(path) if path.suffix == ".gz" else open(path)
        model = json.load(opened)
        shapes, results, todo = {}, {}, []
        for operation in wanted:
            output = model["operations"][operation].get("output")
            results[operation[:1].lower() + operation[1:]] = output["shape"] if output else None
            todo += [output["shape"]] if output else []
        while todo:
            shape = todo.pop()
            if shape not in shapes:
                shapes[shape], more = reduced(model["shapes"][shape])
                shapes[shape].update(RECORDED.get((service, shape), {}))
                todo += more
        services[service] = {"results": dict(sorted(results.items())), "shapes": dict(sorted(shapes.items()))}
    lines = [json.dumps(name) + ": " + json.dumps(value, separators=(",", ":")) for name, value in sorted(services.items())]
    print("{\n" + ",\n".join(lines) + "\n}")


main(sys.argv[1])
