"""Papers, as JSON and as PDF."""

from typing import Any

from django.http import HttpResponse
from rest_framework import status
from rest_framework.response import Response

from mechanic_shop.api.renderers import to_json

from ..documents import mail, pdf


def answer_paper(view: Any, document: dict[str, Any]) -> Any:
    """A document as JSON, or with ``?format=pdf`` on paper; 304 when the client has it already."""
    if view.request.query_params.get("format") == "pdf":
        return answer_pdf(view, document)
    if view.shows_html:
        return Response(document)
    return view.conditional(HttpResponse(to_json(document), content_type="application/json"))


def answer_pdf(view: Any, document: dict[str, Any]) -> Any:
    response = view.conditional(HttpResponse(pdf.render(document), content_type="application/pdf"))
    response["Content-Disposition"] = f'inline; filename="{pdf.file_name(document)}"'
    return response


def send_paper(view: Any, document: dict[str, Any]) -> Any:
    """Mail a paper: 202 with the address, it leaves in the background."""
    body = view.get_serializer(data=view.request.data)
    body.is_valid(raise_exception=True)
    return view.write(view.request, lambda: Response({"to": mail.send_paper(document, body.validated_data["to"])}, status.HTTP_202_ACCEPTED))
