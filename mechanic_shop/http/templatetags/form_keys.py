"""The hidden box of ``form_keys`` in every form: a builtin of all templates.

A form that is sent to the shop has a CSRF token, in our templates, Django's and
Unfold's. So the tag of that token writes the key, too, and no form can be forgotten.
"""

from typing import Any

from django import template
from django.template.base import Parser, Token
from django.template.defaulttags import CsrfTokenNode
from django.utils.safestring import SafeString

from .. import form_keys

register = template.Library()


class FormTokensNode(CsrfTokenNode):
    def render(self, context: Any) -> SafeString:
        return SafeString(super().render(context)) + form_keys.hidden_field()


@register.tag("csrf_token")
def csrf_token(parser: Parser, token: Token) -> FormTokensNode:
    return FormTokensNode()


@register.simple_tag
def form_key() -> SafeString:
    """For a form that needs no CSRF token."""
    return form_keys.hidden_field()
