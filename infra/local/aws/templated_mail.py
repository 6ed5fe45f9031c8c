"""Mail by a template through SES's second API, which moto leaves out."""

from typing import Any

from moto.ses.exceptions import NotFoundException
from moto.sesv2.responses import SESV2Response


def install() -> None:
    """Replaces moto's sending, in this process."""
    send = SESV2Response.send_email

    def with_templates(handler: SESV2Response) -> str:
        template = (handler._get_param("Content") or {}).get("Template")  # noqa: SLF001 - moto's way to read it
        return _send(handler, template) if template else send(handler)

    SESV2Response.send_email = with_templates  # type: ignore[method-assign, assignment]


def name_of(template: dict[str, Any]) -> str:
    """The template's, also where its ARN is given; empty: its content is."""
    return str(template.get("TemplateName") or template.get("TemplateArn", "").rpartition("/")[2])


def _send(handler: SESV2Response, template: dict[str, Any]) -> str:
    ses = handler.sesv2_backend.core_backend
    sender = handler._get_param("FromEmailAddress")  # noqa: SLF001 - as above
    to = {"ToAddresses": [], **(handler._get_param("Destination") or {})}  # noqa: SLF001 - as above
    name = name_of(template)
    if not name:
        subject = template.get("TemplateContent", {}).get("Subject", "")
        return _answer(ses.send_email(sender, subject, str(template), to))
    if name not in ses.templates:
        raise NotFoundException(f"Template {name} does not exist.")
    return _answer(ses.send_templated_email(sender, name, template.get("TemplateData", "{}"), to))


def _answer(message: Any) -> str:
    return f'{{"MessageId": "{message.id}"}}'
