"""What a user adds beside the pipeline, under Pulumi's own engine."""

from tests.integration import test_scoped_permissions
from tests.integration.pulumi_stacks import stack


def test_what_a_user_adds_is_made_stays_as_it_is_and_goes() -> None:
    with stack("dev", files=test_scoped_permissions.files()) as dev:
        dev.run("preview")
        dev.up()
        made = dev.aws.client("sns").list_topics()["Topics"]
        unchanged = dev.run("preview", "--expect-no-changes")
        for key in ("table.deletionProtection=false", "image.forceDelete=true"):
            dev.run("config", "set", "--path", *key.split("="))
        dev.up()
        dev.run("destroy", "--yes", "--skip-preview")

        assert len(made) == 1
        assert "unchanged" in unchanged
        assert dev.aws.client("sns").list_topics()["Topics"] == []
        assert dev.aws.client("kinesis").list_streams()["StreamNames"] == []
