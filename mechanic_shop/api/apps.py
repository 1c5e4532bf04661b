from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "mechanic_shop.api"
    label = "api"
    verbose_name = "API"
