"""What accounts and the configuration bind."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from monitor.core.inventory import FailureReason, Scope
from monitor.core.status import Fault
from monitor.entrypoints.shapes.fields import A_NAME, A_TARGET, Instant, one_of, said


class BindingDocument(TypedDict):
    """One domain as an account, or the configuration, binds it."""

    domain: Annotated[str, said("the domain, in A-labels", A_NAME)]
    display: Annotated[str, said("the same as people write it", A_NAME)]
    bucket: Annotated[str, said("the bucket; empty where the target is another name", "shop-img")]
    endpoint: Annotated[str, said("its endpoint; empty as well", "oss-cn-hangzhou.aliyuncs.com")]
    target: Annotated[str, said("the name that its chain should hold", A_TARGET)]
    enabled: Annotated[bool, said("whether OSS has the binding switched on", True)]
    faults: Annotated[
        tuple[Annotated[str, one_of(Fault)], ...], said("of the domain", ["ttl_high"])
    ]
    bound_at: Annotated[Instant | None, Field(description="when it was bound at OSS")]
    certificate_expires_at: Annotated[
        Instant | None, Field(description="when the certificate at OSS does")
    ]


class FailureDocument(TypedDict):
    """One thing that could not be read of an account."""

    reason: Annotated[str, one_of(FailureReason), said("why", "denied")]
    scope: Annotated[str, one_of(Scope), said("how much that hides", "bucket")]
    bucket: Annotated[str | None, said("which bucket", "shop-img")]
    detail: Annotated[str, said("for people", "AccessDenied: oss:ListCname is needed")]


class AccountDocument(TypedDict):
    """One account with its bindings, or a page of them."""

    account: Annotated[str, said("its name; `config` for the configuration", "shop")]
    last_success_at: Annotated[
        Instant | None, Field(description="when it was last read completely")
    ]
    binding_count: Annotated[int, Field(ge=0), said("how many bindings it has in all", 1)]
    bindings: Annotated[tuple[BindingDocument, ...], Field(description="by domain, as last known")]
    failures: Annotated[
        tuple[FailureDocument, ...], Field(description="what the newest look could not read")
    ]
