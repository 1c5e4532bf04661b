"""The log-in page of the browsable API, in Django REST's namespace: its pages link here."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from .forms import LoginForm

app_name = "rest_framework"
urlpatterns = [
    path("login/", LoginView.as_view(template_name="rest_framework/login.html", authentication_form=LoginForm), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
