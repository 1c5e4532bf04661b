from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from mechanic_shop.accounts.requests import user_of
from mechanic_shop.http.permissions import Has, IsAuthenticated
from mechanic_shop.http.schema import response_schema
from mechanic_shop.http.viewsets import ShopModelViewSet

from ..lifecycle.permissions import IsAssigned
from ..models import CannedJob, Job, LaborRate
from . import job_lines, jobs
from .catalog_serializers import CannedJobSerializer, LaborRateSerializer
from .filters import CannedJobFilter, JobFilter, LaborRateFilter
from .job_serializers import (
    ChangeLineSerializer,
    FinishJobSerializer,
    JobLineSerializer,
    JobSerializer,
    NothingSerializer,
    RemoveLineSerializer,
)
from .locked_by_ticket import LockedByTicket

MayWork = Has("tickets.change_serviceticket") | IsAssigned


class JobViewSet(LockedByTicket, ShopModelViewSet):
    """Jobs: what is done, or could be, on a ticket. Their parts are put on by the
    ticket's ``add-part``.
    """

    queryset = Job.objects.select_related("ticket__customer").prefetch_related(
        "lines__rate", "lines__mechanic", "lines__tax_code", "parts__part"
    )
    serializer_class = JobSerializer
    filterset_class = JobFilter
    ordering_fields = ["created_at", "updated_at", "status"]
    ordering = ("-pk",)
    permissions = {
        "list": IsAuthenticated,
        "retrieve": IsAuthenticated,
        **dict.fromkeys(("create", "update", "partial_update", "destroy"), MayWork),
        **dict.fromkeys(
            ("add_line", "edit_line", "remove_line", "finish", "cancel", "reopen"), MayWork
        ),
    }

    def perform_create(self, serializer: BaseSerializer) -> None:
        self.check_object_permissions(self.request, serializer.validated_data["ticket"])
        serializer.save()

    def perform_destroy(self, job: Job) -> None:
        jobs.delete_job(job, by=user_of(self.request))

    @response_schema(JobSerializer)
    @action(detail=True, methods=["put"], url_path="add-line", serializer_class=JobLineSerializer)
    def add_line(self, request: Request, pk: str) -> Response:
        """Put labor, sublet work, a fee or a trade-in into the job; an approved job
        that grows goes back to the customer.
        """
        return self.run_action(job_lines.add_line)

    @response_schema(JobSerializer)
    @action(
        detail=True, methods=["put"], url_path="edit-line", serializer_class=ChangeLineSerializer
    )
    def edit_line(self, request: Request, pk: str) -> Response:
        """Change a line of the job."""
        return self.run_action(job_lines.edit_line)

    @response_schema(JobSerializer)
    @action(
        detail=True, methods=["put"], url_path="remove-line", serializer_class=RemoveLineSerializer
    )
    def remove_line(self, request: Request, pk: str) -> Response:
        """Take a line out of the job."""
        return self.run_action(job_lines.remove_line)

    @response_schema(JobSerializer)
    @action(detail=True, methods=["put"], serializer_class=FinishJobSerializer)
    def finish(self, request: Request, pk: str) -> Response:
        """The work on an approved job is done."""
        return self.run_action(jobs.finish_job)

    @extend_schema(request=None, responses=JobSerializer)
    @action(detail=True, methods=["put"], serializer_class=NothingSerializer)
    def cancel(self, request: Request, pk: str) -> Response:
        """Nobody does this job any more; its stock goes back on the shelf."""
        return self.run_action(jobs.cancel_job)

    @extend_schema(request=None, responses=JobSerializer)
    @action(detail=True, methods=["put"], serializer_class=NothingSerializer)
    def reopen(self, request: Request, pk: str) -> Response:
        """A job that was done is worked on again; one that was cancelled is proposed
        again.
        """
        return self.run_action(jobs.reopen_job)


def managed(model: str) -> dict[str, Any]:
    """Whoever may see them reads them, whoever may change them writes."""
    return {
        **dict.fromkeys(("list", "retrieve"), Has(f"{model.replace('.', '.view_')}")),
        "create": Has(model.replace(".", ".add_")),
        **dict.fromkeys(("update", "partial_update"), Has(model.replace(".", ".change_"))),
        "destroy": Has(model.replace(".", ".delete_")),
    }


class CannedJobViewSet(ShopModelViewSet):
    """Canned jobs: templates with labor and parts."""

    queryset = CannedJob.objects.prefetch_related("lines__rate", "lines__tax_code", "parts__part")
    serializer_class = CannedJobSerializer
    filterset_class = CannedJobFilter
    ordering_fields = ["name", "created_at", "updated_at"]
    permissions = managed("tickets.cannedjob")


class LaborRateViewSet(ShopModelViewSet):
    """Labor rates: what an hour of a kind of work costs the customer."""

    queryset = LaborRate.objects.select_related("tax_code")
    serializer_class = LaborRateSerializer
    filterset_class = LaborRateFilter
    ordering_fields = ["name", "hourly", "created_at", "updated_at"]
    permissions = managed("tickets.laborrate")
