"""D: Django REST framework as a beginner writes it: ModelViewSets, nested
ModelSerializers, default settings.

BENCH_DB=sqlite:///x.sqlite3 gunicorn -w 2 drf_naive:application

No select_related, read-modify-write on the stock, nothing cached, a new connection for
each request.
"""

import os
from urllib.parse import urlparse

import django
from django.conf import settings

DB = os.environ["BENCH_DB"]
url = urlparse(DB)
POSTGRES = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": url.path[1:],
    "USER": url.username,
    "PASSWORD": url.password or "",
    "HOST": url.hostname,
}
settings.configure(
    SECRET_KEY=os.environ["BENCH_KEY"],
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    TIME_ZONE="UTC",
    DATABASES={
        "default": POSTGRES | {"PORT": url.port or 5432}
        if DB.startswith("postgres")
        else {"ENGINE": "django.db.backends.sqlite3", "NAME": DB.removeprefix("sqlite:///")}
    },
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "rest_framework",
        "django_filters",
        "naive",
    ],
    AUTH_USER_MODEL="naive.User",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    REST_FRAMEWORK={
        "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
        "PAGE_SIZE": 25,
        "DEFAULT_AUTHENTICATION_CLASSES": [
            "rest_framework_simplejwt.authentication.JWTAuthentication"
        ],
        "DEFAULT_FILTER_BACKENDS": [
            "django_filters.rest_framework.DjangoFilterBackend",
            "rest_framework.filters.SearchFilter",
        ],
    },
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import models  # noqa: E402
from django.urls import include, path  # noqa: E402
from naive.models import Customer, Mechanic, Part, Ticket, TicketMechanic, TicketPart, Vehicle  # noqa: E402
from rest_framework import routers, serializers, viewsets  # noqa: E402
from rest_framework.decorators import action  # noqa: E402
from rest_framework.permissions import IsAuthenticated  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework_simplejwt.views import TokenObtainPairView  # noqa: E402


class CustomerSerializer(serializers.ModelSerializer):
    class Meta:
        model, fields = Customer, ["id", "name"]


class VehicleSerializer(serializers.ModelSerializer):
    class Meta:
        model, fields = Vehicle, ["id", "name", "plate"]


class MechanicSerializer(serializers.ModelSerializer):
    class Meta:
        model, fields = Mechanic, ["id", "name", "specialties", "bio", "is_active"]


class PopularSerializer(MechanicSerializer):
    ticket_count = serializers.IntegerField()

    class Meta:
        model, fields = Mechanic, [*MechanicSerializer.Meta.fields, "ticket_count"]


class PartSerializer(serializers.ModelSerializer):
    available = serializers.DecimalField(12, 3, read_only=True)

    class Meta:
        model = Part
        fields = [
            *[
                "id",
                "sku",
                "name",
                "description",
                "unit",
                "price",
                "cost",
                "on_hand",
                "allocated",
                "available",
                "reorder_point",
            ],
            *[
                "reorder_quantity",
                "bin",
                "barcode",
                "tax_code",
                "is_active",
                "created_at",
                "updated_at",
            ],
        ]


class SmallPartSerializer(serializers.ModelSerializer):
    class Meta:
        model, fields = Part, ["id", "sku", "name"]


class TicketMechanicSerializer(serializers.ModelSerializer):
    id = serializers.IntegerField(source="mechanic.id")
    name = serializers.CharField(source="mechanic.name")

    class Meta:
        model, fields = TicketMechanic, ["id", "name", "role"]


class TicketPartSerializer(serializers.ModelSerializer):
    part = SmallPartSerializer()

    class Meta:
        model, fields = (
            TicketPart,
            ["part", "job", "quantity", "unit_price", "line_total", "allocated", "issued"],
        )


class TicketSerializer(serializers.ModelSerializer):
    number = serializers.CharField(read_only=True)
    customer, vehicle = CustomerSerializer(), VehicleSerializer()
    mechanics = TicketMechanicSerializer(many=True)
    parts = TicketPartSerializer(many=True)
    parts_total = serializers.DecimalField(24, 2, read_only=True)

    class Meta:
        model = Ticket
        fields = [
            *[
                "id",
                "number",
                "customer",
                "vehicle",
                "concern",
                "cause",
                "correction",
                "service_date",
                "promised_at",
                "status",
                "on_hold",
            ],
            *["hold_reason", "odometer_in", "odometer_out", "mechanics", "parts", "parts_total"],
            *["opened_at", "completed_at", "closed_at", "created_at", "updated_at"],
        ]


class NewTicketSerializer(serializers.ModelSerializer):
    class Meta:
        model, fields = Ticket, ["customer", "vehicle", "concern", "odometer_in"]

    def to_representation(self, ticket):
        return TicketSerializer(ticket).data


class TicketViewSet(viewsets.ModelViewSet):
    queryset, filterset_fields = Ticket.objects.all(), ["status"]

    def get_serializer_class(self):
        return NewTicketSerializer if self.action == "create" else TicketSerializer

    @action(detail=False, permission_classes=[IsAuthenticated])
    def mine(self, request):
        page = self.paginate_queryset(Ticket.objects.filter(customer__user=request.user))
        return self.get_paginated_response(TicketSerializer(page, many=True).data)

    @action(detail=True, methods=["put"], url_path="add-part")
    def add_part(self, request, pk=None):
        part, n = Part.objects.get(pk=request.data["part"]), request.data["quantity"]
        if part.on_hand - part.allocated < n:
            return Response({"detail": "out of stock"}, status=409)
        part.allocated += n  # read, modify, write: the beginner's race
        part.save()
        ticket = self.get_object()
        line = TicketPart.objects.filter(ticket=ticket, part=part).first()
        if line is None:
            line = TicketPart(
                ticket=ticket,
                part=part,
                quantity=0,
                allocated=0,
                unit_price=part.price,
                unit_cost=part.cost,
            )
        line.quantity += n
        line.allocated += n
        line.line_total = line.quantity * line.unit_price
        line.save()
        ticket.version += 1
        ticket.save()
        return Response(TicketSerializer(Ticket.objects.get(pk=pk)).data)

    @action(detail=True, methods=["put"], url_path="assign-mechanic")
    def assign(self, request, pk=None):
        ticket = self.get_object()
        TicketMechanic.objects.get_or_create(
            ticket=ticket, mechanic=Mechanic.objects.get(pk=request.data["mechanic"])
        )
        ticket.version += 1
        ticket.save()
        return Response(TicketSerializer(ticket).data)


class MechanicViewSet(viewsets.ModelViewSet):
    queryset, serializer_class, search_fields = (
        Mechanic.objects.all(),
        MechanicSerializer,
        ["name", "bio", "specialties"],
    )

    @action(detail=False)
    def popular(self, request):
        count = models.Count("links", filter=~models.Q(links__ticket__status="cancelled"))
        best = Mechanic.objects.annotate(ticket_count=count).order_by("-ticket_count", "name", "id")
        return self.get_paginated_response(
            PopularSerializer(self.paginate_queryset(best), many=True).data
        )


class PartViewSet(viewsets.ModelViewSet):
    queryset, serializer_class = Part.objects.all(), PartSerializer


router = routers.DefaultRouter()
router.register("tickets", TicketViewSet)
router.register("mechanics", MechanicViewSet)
router.register("parts", PartViewSet)
urlpatterns = [
    path("api/v1/auth/token/", TokenObtainPairView.as_view()),
    path("api/v1/", include(router.urls)),
]
application = get_wsgi_application()
