"""What your `process` needs beside the pipeline. This file is yours.

Make resources here, and hand on what the function must know of them and may do with them:

    def additions() -> Additions:
        topic = aws.sns.Topic("orders")
        return Additions(
            settings={"topic_arn": topic.arn},
            policies={"publish": allow("sns:Publish", topic.arn)},
        )
"""

from infra.additions import Additions


def additions() -> Additions:
    """Called once by `__main__.py`, before the pipeline is made."""
    return Additions()
