"""`[[bindings]]`: domains bound by hand, to a bucket or to another exact name."""

from collections.abc import Mapping

from pydantic import Field, StrictStr, ValidationInfo, field_validator

from monitor.config.faults import quoted, refused
from monitor.config.fields import Bucket, Endpoint, ExactDomain, Label
from monitor.config.section import Section
from monitor.core.bindings import Binding, BucketTarget, NameTarget
from monitor.core.names import MAX_NAME, DomainName
from monitor.core.targets import EndpointClass, TargetPolicy, classify


class BindingSettings(Section):
    """A domain, and the bucket at its endpoint or the one name that it should reach."""

    domain: ExactDomain
    bucket: Bucket | None = None
    endpoint: Endpoint | None = None
    target: ExactDomain | None = Field(default=None, validate_default=True)
    labels: Mapping[Label, StrictStr] = Field(default_factory=dict)

    @field_validator("endpoint")
    @classmethod
    def _leads_people_to_the_bucket(
        cls, endpoint: DomainName | None, info: ValidationInfo
    ) -> DomainName | None:
        if endpoint is None:
            return endpoint
        known, got = classify(endpoint, TargetPolicy()), f"(got {quoted(endpoint.text)})"
        if known and known.endpoint_class is EndpointClass.INTERNAL:
            mended = endpoint.text.replace("-internal", "").replace("vpc100-", "")
            raise refused(
                f"is internal: nobody outside Alibaba Cloud reaches it {got}",
                f'write "{mended}"',
            )
        bucket = info.data.get("bucket")
        # A bare dual-stack endpoint looks like a legacy name of the bucket "cn-hangzhou".
        if known and known.bucket == bucket and known.endpoint_class is not EndpointClass.LEGACY:
            raise refused(
                f"must not begin with the bucket {got}",
                f'write "{endpoint.text.removeprefix(f"{bucket}.")}"',
            )
        return endpoint

    @field_validator("target")
    @classmethod
    def _has_one_target(cls, target: DomainName | None, info: ValidationInfo) -> DomainName | None:
        if not {"bucket", "endpoint"} <= info.data.keys():
            return target
        bucket, endpoint = info.data["bucket"], info.data["endpoint"]
        match bool(bucket), bool(endpoint), bool(target):
            case (True, True, False) if len(f"{bucket}.{endpoint}") > MAX_NAME:
                problem = f"has a bucket and an endpoint that are together over {MAX_NAME} long"
            case (True, True, False) | (False, False, True):
                return target
            case (True, False, False):
                problem = "has a bucket but no endpoint"
            case (False, True, False):
                problem = "has an endpoint but no bucket"
            case (False, False, False):
                problem = "says nothing to point to"
            case _:
                problem = "says two things to point to"
        raise refused(problem, "write bucket and endpoint, or target alone", about_table=True)

    @property
    def binding(self) -> Binding:
        """The table as a value of the core."""
        return Binding(
            domain=self.domain,
            target=self._target(),
            labels=tuple(sorted(self.labels.items())),
        )

    def _target(self) -> BucketTarget | NameTarget:
        if self.target is not None:
            return NameTarget(self.target)
        assert self.bucket is not None
        assert self.endpoint is not None
        return BucketTarget(self.bucket, self.endpoint)
