"""Paths below ``/api/v1/auth/``. simplejwt's ``verify`` is not among them: it says yes
to inactive users.
"""

from django.urls import path

from . import views

urlpatterns = [
    path("token/", views.LoginView.as_view(), name="auth-token"),
    path("token/refresh/", views.RefreshView.as_view(), name="auth-token-refresh"),
    path("token/blacklist/", views.LogoutView.as_view(), name="auth-token-blacklist"),
    path("me/", views.MeView.as_view(), name="auth-me"),
    path("password/", views.PasswordView.as_view(), name="auth-password"),
    path("password/reset/", views.ResetView.as_view(), name="auth-password-reset"),
    path(
        "password/reset/confirm/",
        views.ConfirmResetView.as_view(),
        name="auth-password-reset-confirm",
    ),
]
