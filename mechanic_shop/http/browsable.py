"""The browsable API: every answer as a page, with a form for whatever this user may do
there.
"""

import re
from typing import TYPE_CHECKING, Any

from django.db.models import Model
from django.http import Http404
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from rest_framework.exceptions import APIException
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.request import Request, override_method

from .browsable_forms import FormRenderer, body_to_send, refused, with_defaults
from .renderers import JSONRenderer, PrettyJSONRenderer

if TYPE_CHECKING:
    from rest_framework.views import APIView


class BrowsableRenderer(BrowsableAPIRenderer):
    """Pages that show a form, or a link, only for what this user may do with this very
    object.

    Django REST takes the form's object from the answer, which fails where an action
    takes another body than it answers with. Here the object comes from the address, and
    a refused form comes back as it was sent.
    """

    form_renderer_class = FormRenderer
    accepted_media_type: str
    renderer_context: dict[str, Any]

    def get_default_renderer(self, view: "APIView") -> JSONRenderer:
        return PrettyJSONRenderer()

    def render(
        self, data: object, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> Any:
        page = super().render(data, accepted_media_type, renderer_context)
        # The tag is the JSON's. A browser that sent it back would be told to keep a
        # page with another user's forms.
        renderer_context["response"].headers.pop("ETag", None)
        return page

    def get_context(
        self, data: object, accepted_media_type: str | None, renderer_context: Any
    ) -> dict[str, Any]:
        context = super().get_context(data, accepted_media_type, renderer_context)
        writes = [
            name for name in context["allowed_methods"] if name not in ("GET", "HEAD", "OPTIONS")
        ]
        return context | {"rows": self.rows(data, renderer_context["view"]), "writes": writes}

    def get_content(
        self, renderer: Any, data: object, accepted_media_type: str | None, renderer_context: Any
    ) -> SafeString:
        """The JSON, in which addresses of this shop are links; what people wrote never
        is.
        """
        text = escape(super().get_content(renderer, data, accepted_media_type, renderer_context))
        own = re.escape(escape(renderer_context["request"].build_absolute_uri("/")))
        return mark_safe(  # noqa: S308 - escaped above
            re.sub(
                rf"&quot;({own}(?:(?!&quot;).)*)&quot;", r'&quot;<a href="\1">\1</a>&quot;', text
            )
        )

    def rows(self, data: object, view: Any) -> list[tuple[str, str]]:
        """The rows of a list by name and address, so that a person can walk on."""
        if (
            getattr(view, "detail", None) is not False
            or not isinstance(data, dict)
            or "results" not in data
        ):
            return []
        return [
            (
                str(row.get("number") or row.get("name") or row.get("plate") or f"#{row['id']}"),
                view.reverse_action("detail", args=[row["id"]]),
            )
            for row in data["results"]
        ]

    def get_filter_form(self, data: object, view: "APIView", request: Request) -> str | None:
        """Nothing for rows that are reached through another, such as a ticket's
        history: they have no search and no filters.
        """
        return (
            super().get_filter_form(data, view, request)
            if hasattr(getattr(view, "queryset", None), "visible_to")
            else None
        )

    # --- what this user may do here ---

    def subject(self, view: Any) -> Any:
        """The object of the address; None without one that this user may see."""
        if not hasattr(self, "_subject"):
            try:
                self._subject = view.get_object_or_404(
                    type(view).queryset.visible_to(view.request.user)
                )
            except Http404:
                self._subject = None
        return self._subject

    def show_form_for_method(
        self, view: "APIView", method: str, request: Request, obj: Model | None
    ) -> bool:
        return method in view.allowed_methods and self.permits(view, request)

    def permits(self, view: "APIView", request: Request) -> bool:
        """May this user do what the view's present action does, with the object of this
        page?
        """
        try:
            view.check_permissions(request)
            if getattr(view, "detail", None):
                if self.subject(view) is None:
                    return False
                view.check_object_permissions(request, self.subject(view))
        except APIException:
            return False
        return True

    def get_extra_actions(self, view: Any, status_code: int) -> dict[str, str] | None:
        if status_code in (401, 403) or getattr(view, "detail", None) is None:
            return None
        usable = [
            action
            for action in view.get_extra_actions()
            if action.detail == view.detail and self.may_use(view, action)
        ]
        return {
            action.kwargs["name"]: view.reverse_action(
                action.url_name, args=view.args, kwargs=view.kwargs
            )
            for action in usable
        } or None

    def may_use(self, view: Any, extra: Any) -> bool:
        """Is one of the methods of this extra action this user's?"""
        present = view.action
        try:
            for view.action in extra.mapping.values():
                if self.permits(view, view.request):
                    return True
        finally:
            view.action = present
        return False

    # --- forms ---

    def get_rendered_html_form(
        self, data: object, view: "APIView", method: str, request: Request
    ) -> Any:
        with override_method(view, request, method) as as_if:
            if not self.show_form_for_method(view, method, as_if, None):
                return None
            if method in ("DELETE", "OPTIONS"):
                return True
            serializer = self.form_serializer(view, method)
            return None if serializer is None else self.render_form_for_serializer(serializer)

    def render_form_for_serializer(self, serializer: Any) -> str:
        return self.form_renderer_class().render(
            serializer.data,
            self.accepted_media_type,
            {"style": {"template_pack": "rest_framework/horizontal"}},
        )

    def get_raw_data_form(
        self, data: object, view: "APIView", method: str, request: Request
    ) -> Any:
        form = super().get_raw_data_form(None, view, method, request)
        if form is not None:
            with override_method(view, request, method):
                serializer = self.form_serializer(view, method)
                if serializer is not None:
                    form.fields["_content"].initial = (
                        PrettyJSONRenderer().render(body_to_send(serializer)).decode()
                    )
        return form

    def form_serializer(self, view: Any, method: str) -> Any:
        """The body of a method: as it was sent if it was refused, else as the object
        stands, else empty.
        """
        if not hasattr(view, "get_serializer"):
            return None
        # an action's body says nothing of the object
        is_own_body = view.serializer_class is type(view).serializer_class
        instance = self.subject(view) if is_own_body and getattr(view, "detail", None) else None
        request, response = self.renderer_context["request"], self.renderer_context["response"]
        if request.method == method and response.status_code >= 400:
            return refused(view.get_serializer(instance, data=request.data), response.data)
        return view.get_serializer(instance) if instance else with_defaults(view.get_serializer())
