"""Records of the audit log."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from monitor.core.events import EventType
from monitor.entrypoints.shapes.changes import ChangeDocument
from monitor.entrypoints.shapes.fields import A_HASH, A_NAME, A_ULID, Data, Instant, one_of, said


class RecordDocument(TypedDict):
    """One record of the audit log; each names the hash of the one before."""

    seq: Annotated[int, Field(ge=1), said("its number; there are no gaps", 119)]
    at: Annotated[Instant, Field(description="when it happened, written as it was hashed")]
    type: Annotated[str, one_of(EventType), said("what happened", "status")]
    domain: Annotated[str | None, said("to which domain, in A-labels", A_NAME)]
    resolver: Annotated[str | None, said("at which resolver", "telecom")]
    change: Annotated[str | None, said("in which change", A_ULID)]
    data: Annotated[Data, said("the particulars", {"from": "propagating", "to": "in_effect"})]
    evidence: Annotated[
        tuple[Data, ...],
        said(
            "the answers that show it: resolver, transport, time, NSID, EDE and the message "
            "as it came (`wire`, base64)",
            [{"resolver": "telecom", "transport": "udp", "wire": "AACBgAAB"}],
        ),
    ]
    prev_hash: Annotated[str, said("the hash of the record before; zeros for the first", A_HASH)]
    hash: Annotated[str, said("SHA-256 of all else, as canonical JSON", A_HASH)]


class ChangeStoryDocument(ChangeDocument):
    """One change with its records in the audit log."""

    events: Annotated[
        tuple[RecordDocument, ...], Field(description="what happened in it, oldest first")
    ]
    events_next: Annotated[
        str | None, said("the `cursor` to more of them; null where there are none", "119")
    ]
