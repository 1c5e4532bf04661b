"""The API for customers without an account: whoever has a link sees one estimate, and
decides on its jobs.

The token in the address is all that is asked for, and no cookie says who it is. So
another site can make nobody's browser decide: it would have to know the token, and then
needs no browser. That is why the page's form bears no CSRF token (docs/security.md).
"""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from mechanic_shop.accounts.views import OpenView
from mechanic_shop.http.etags import etag_of, not_modified
from mechanic_shop.http.parsers import JSONParser
from mechanic_shop.http.renderers import JSONRenderer, to_json

from ..billing import estimates
from ..models import EDITABLE_STATUSES, Authorization, ShareLink
from ..pricing import amounts
from . import share_links
from .serializers import DecideSerializer, SharedAuthorizationSerializer, SharedEstimateSerializer

NO_LINK = "This link is no longer valid. Ask the garage for a new one."
# The address is the key: no cache keeps what it opens, no search engine lists it, no
# other page is told where one came from.
PRIVATE = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


def estimate(link: ShareLink) -> dict[str, Any]:
    """What the link shows: the estimate, but for what its reader has no use for, such
    as where the customer lives.
    """
    ticket = link.ticket
    document = estimates.estimate(ticket) | {
        "decidable": ticket.status in EDITABLE_STATUSES,
        "expires_at": link.expires_at,
    }
    document["ticket"] |= {"status": ticket.status}
    return SharedEstimateSerializer(document).data


class SharedRoute(OpenView):
    """A route whose address holds a token: JSON alone, since a page of the API would
    put its address into other links.
    """

    throttle_scopes = dict.fromkeys(
        ("get", "head", "post", "put", "patch", "delete", "options"), "shared"
    )
    renderer_classes = (JSONRenderer,)
    parser_classes = (JSONParser,)

    def link(self) -> ShareLink:
        """Unknown, expired, revoked or with a ticket that is gone: all are the same
        404.
        """
        link = share_links.shared(self.kwargs["token"])
        if link is None:
            raise NotFound(NO_LINK)
        return link

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        for name, value in PRIVATE.items():
            response[name] = value
        return response


class SharedView(SharedRoute):
    serializer_class = SharedEstimateSerializer

    @extend_schema(
        summary="The estimate behind a link", auth=[], responses=SharedEstimateSerializer
    )
    def get(self, request: Request, token: str) -> Response:
        """The estimate that a link was made for, as its customer sees it. No account is
        needed; the token is the key.
        """
        data = estimate(self.link())
        tag = etag_of(to_json(data))
        if not_modified(request, tag):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": tag})
        return Response(data, headers={"ETag": tag})


class SharedAuthorizationsView(SharedRoute):
    serializer_class = DecideSerializer

    @extend_schema(
        summary="Decide on the jobs of an estimate",
        auth=[],
        responses={201: SharedAuthorizationSerializer},
    )
    def post(self, request: Request, token: str) -> Response:
        """Approve, decline or put off jobs; all that are proposed are approved where
        none is named.

        `version` and `expected_total` are the estimate's that was read: 409
        `estimate_changed` when one is another by now, so that nobody agrees to prices
        unseen.
        """
        # before the body is looked at, and before an answer is replayed to whoever had
        # a link
        self.link()
        details: dict[str, Any] = {}

        def answer() -> Response:
            record = share_links.authorize_shared(token, **details)
            if record is None:
                raise NotFound(NO_LINK)
            return Response(decided(record), status=status.HTTP_201_CREATED)

        return self.write(request, answer, lambda: details.update(self.body()))


def decided(record: Authorization) -> dict[str, Any]:
    facts = {name: getattr(record, name) for name in ("at", "channel", "note", "decisions")}
    return SharedAuthorizationSerializer(
        facts | {"id": record.pk, "approved_total": amounts.money(record.approved_total)}
    ).data
