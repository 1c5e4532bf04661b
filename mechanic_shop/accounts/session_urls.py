"""Paths below ``/api/v1/session/``: logging in and out with a browser, for the pages of
the browsable API.

Both views lead back to ``next`` only on this host; logging out takes a POST, so that no
link can do it.
"""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from .forms import LoginForm

app_name = "rest_framework"

urlpatterns = [
    path(
        "login/",
        LoginView.as_view(template_name="rest_framework/login.html", authentication_form=LoginForm),
        name="login",
    ),
    path("logout/", LogoutView.as_view(next_page="api-root"), name="logout"),
]
