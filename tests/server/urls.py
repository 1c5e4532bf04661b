"""The shop's addresses, and some that tell what the server does."""

import sys
import time
from pathlib import Path

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from mechanic_shop.urls import handler400, handler403, handler404, handler500, urlpatterns  # noqa: F401

seen: list[str] = []


def echo(request: HttpRequest) -> JsonResponse:
    """What came in, and how often something did."""
    seen.append(request.method or "")
    told = {name: value for name, value in request.META.items() if isinstance(value, str)}
    return JsonResponse(
        {"meta": told, "path": request.path, "body": request.body.decode(), "seen": len(seen)}
    )


def slow(request: HttpRequest) -> HttpResponse:
    time.sleep(1.5)
    return HttpResponse("slow")


def ends(request: HttpRequest) -> HttpResponse:
    sys.exit("not caught by Django")


def fails(request: HttpRequest) -> HttpResponse:
    raise ValueError("what was sent: secret@example.com")


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(
        Path(settings.DATABASES["default"]["NAME"]).with_name("large.bin").open("rb")
    )


def stream(request: HttpRequest) -> FileResponse:
    return FileResponse(iter([b"a", b"b"]))


urlpatterns = [
    *urlpatterns,
    re_path(r"^echo/", csrf_exempt(echo)),
    path("slow/", csrf_exempt(slow)),
    path("ends/", ends),
    path("fails/<str:word>/", fails),
    path("file/", file),
    path("stream/", stream),
]
