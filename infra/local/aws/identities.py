"""SES in the embedded AWS: identities, which are verified at once, and templates.

Source: internal/service/ses and sesv2 of terraform-provider-aws 6.
"""

from collections.abc import Mapping
from typing import Final

from infra.local.aws import services
from infra.local.aws.emulator import Emulator
from infra.local.aws.resource_type import Inputs, Naming, Outputs, ResourceType


def _email_identity(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    email = inputs["email"]
    emulator.client("ses").verify_email_identity(EmailAddress=email)
    return {"id": email, "arn": _arn(emulator, email)}


def _domain_identity(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    domain = inputs["domain"]
    answer = emulator.client("ses").verify_domain_identity(Domain=domain)
    token = answer["VerificationToken"]
    return {"id": domain, "arn": _arn(emulator, domain), "verificationToken": token}


def _dkim(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    domain = inputs["domain"]
    tokens = emulator.client("ses").verify_domain_dkim(Domain=domain)["DkimTokens"]
    return {"id": domain, "dkimTokens": tokens}


def _mail_from(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    emulator.client("ses").set_identity_mail_from_domain(
        Identity=inputs["domain"],
        **services.given(
            inputs,
            {"mailFromDomain": "MailFromDomain", "behaviorOnMxFailure": "BehaviorOnMXFailure"},
        ),
    )
    return {"id": inputs["domain"]}


def _identity(emulator: Emulator, _: str, inputs: Inputs) -> Outputs:
    """By either API; both have the same identities, in moto each has its own."""
    identity = inputs["emailIdentity"]
    ses = emulator.client("ses")
    if "@" in identity:
        ses.verify_email_identity(EmailAddress=identity)
    else:
        ses.verify_domain_identity(Domain=identity)
    emulator.client("sesv2").create_email_identity(
        EmailIdentity=identity, Tags=services.tags(inputs)
    )
    kind = "EMAIL_ADDRESS" if "@" in identity else "DOMAIN"
    return {
        "id": identity,
        "arn": _arn(emulator, identity),
        "identityType": kind,
        "verifiedForSendingStatus": True,
        "verificationStatus": "SUCCESS",
    }


def _arn(emulator: Emulator, identity: str) -> str:
    return services.arn(emulator, "ses", f"identity/{identity}")


def _template(emulator: Emulator, name: str, inputs: Inputs) -> Outputs:
    names = {"html": "HtmlPart", "subject": "SubjectPart", "text": "TextPart"}
    template = {"TemplateName": name, **services.given(inputs, names)}
    emulator.client("ses").create_template(Template=template)
    return {"id": name, "name": name, "arn": services.arn(emulator, "ses", f"template/{name}")}


def _configuration_set(emulator: Emulator, name: str, _: Inputs) -> Outputs:
    emulator.client("ses").create_configuration_set(ConfigurationSet={"Name": name})
    arn = services.arn(emulator, "ses", f"configuration-set/{name}")
    return {"id": name, "name": name, "arn": arn}


_DELETED: Final = services.deleted("ses", "delete_identity", "Identity")
TYPES: Final[Mapping[str, ResourceType]] = {
    "aws:ses/configurationSet:ConfigurationSet": ResourceType(
        create=_configuration_set,
        update=services.unchanged,
        delete=services.deleted("ses", "delete_configuration_set", "ConfigurationSetName"),
        naming=Naming(longest=64),
        computed=("arn",),
        replaced_by=frozenset({"name"}),
    ),
    "aws:ses/domainDkim:DomainDkim": ResourceType(
        create=_dkim,
        delete=services.stays,
        computed=("dkimTokens",),
        replaced_by=frozenset({"domain"}),
    ),
    "aws:ses/domainIdentity:DomainIdentity": ResourceType(
        create=_domain_identity,
        delete=_DELETED,
        computed=("arn", "verificationToken"),
        replaced_by=frozenset({"domain"}),
    ),
    "aws:ses/emailIdentity:EmailIdentity": ResourceType(
        create=_email_identity,
        delete=_DELETED,
        computed=("arn",),
        replaced_by=frozenset({"email"}),
    ),
    "aws:ses/mailFrom:MailFrom": ResourceType(
        create=_mail_from, delete=services.stays, replaced_by=frozenset({"domain"})
    ),
    "aws:ses/template:Template": ResourceType(
        create=_template,
        update=services.unchanged,
        delete=services.deleted("ses", "delete_template", "TemplateName"),
        naming=Naming(longest=64),
        computed=("arn",),
        replaced_by=frozenset({"name"}),
    ),
    "aws:sesv2/emailIdentity:EmailIdentity": ResourceType(
        create=_identity,
        update=services.unchanged,
        delete=_DELETED,
        computed=("arn", "identityType"),
        replaced_by=frozenset({"emailIdentity"}),
    ),
}
