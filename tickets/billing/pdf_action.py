"""Documents, as JSON and as PDF."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.settings import api_settings

from mechanic_shop.http.query_checks import check_parameters
from mechanic_shop.http.renderers import JSONRenderer, to_json

from .documents import mail, pdf


class PDFRenderer(JSONRenderer):
    """For whoever accepts application/pdf: the view itself draws the document, and
    refusals are problems as everywhere.
    """

    media_type = "application/pdf"
    format = "pdf"


DOCUMENT_RENDERERS = [*api_settings.DEFAULT_RENDERER_CLASSES, PDFRenderer]


def respond_document(view: Any, document: dict[str, Any]) -> Any:
    """A document as JSON, or with ``?format=pdf`` as PDF; 304 when the client has it
    already.
    """
    parameters = view.request.query_params
    check_parameters(parameters, {"format"})
    if parameters.get("format", "json") not in ("json", "pdf"):
        raise ValidationError({"format": "Use json or pdf."}, "invalid_choice")
    if (parameters.get("format") or view.request.accepted_renderer.format) == PDFRenderer.format:
        return respond_pdf(view, document)
    if view.shows_html:
        return Response(document)
    return view.conditional(HttpResponse(to_json(document), content_type="application/json"))


def respond_pdf(view: Any, document: dict[str, Any]) -> Any:
    check_parameters(view.request.query_params, {"format"}, hidden={"format"})
    response = view.conditional(HttpResponse(pdf.render(document), content_type="application/pdf"))
    response["Content-Disposition"] = f'inline; filename="{pdf.file_name(document)}"'
    return response


def send_document(view: Any, document: Callable[[Any], dict[str, Any]]) -> Any:
    """Mail what ``document`` makes of the row: 202 with the address, it
    leaves in the background.
    """

    def answer(body: Any) -> Any:
        row = view.get_locked_object()
        address = mail.send_document(document(row), row.customer, body.validated_data["to"])
        return Response({"to": address}, status.HTTP_202_ACCEPTED)

    return view.write_checked(view.make_body, answer)
