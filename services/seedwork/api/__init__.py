"""The API kit: what turns a service's endpoints into an HTTP api.

    router = APIRouter()

    @router.post("/prescriptions/{id}/cancellations", responses=problems("prescription.wrong_state"))
    async def cancel(
        id: UUID,
        body: CancelBody,
        actor: Annotated[Actor, Depends(allowed("prescription.cancel"))],
        run: Run,
    ) -> Response:
        return await run(cancel_prescription(CancelPrescription(...)))

    app = create_app(SERVICE, runtime, settings=settings, routers=[router])

Endpoints are `async def`: they only wait for loads and saves. Every problem is `application/problem+json` out of the
catalogue, every answer carries its correlation id, and without a token only health answers.
"""

from services.seedwork.api.answers import answer
from services.seedwork.api.app import create_app
from services.seedwork.api.arguments import Aside, Body, Bulk, Keep, Paging, Read, Run, Signer
from services.seedwork.api.bulk import refused_row
from services.seedwork.api.dependencies import allowed, compact_jws, development_only, secret_key
from services.seedwork.api.problems import problems
from services.seedwork.api.registers import register_routes
from services.seedwork.api.waiting import WaitSeconds, newest
from services.seedwork.api.webhooks import Webhook, signed_webhook, webhook_problems
from services.seedwork.failures import Refused

__all__ = [
    "Aside",
    "Body",
    "Bulk",
    "Keep",
    "Paging",
    "Read",
    "Refused",
    "Run",
    "Signer",
    "WaitSeconds",
    "Webhook",
    "allowed",
    "answer",
    "compact_jws",
    "create_app",
    "development_only",
    "newest",
    "problems",
    "refused_row",
    "register_routes",
    "secret_key",
    "signed_webhook",
    "webhook_problems",
]
