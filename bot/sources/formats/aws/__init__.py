"""What the feed formats of AWS share: how services and regions are named, and how impact is numbered.

A service id is a slug with a region behind it ("ec2-us-east-1"), or without one where AWS names none ("iam").
"""

from __future__ import annotations

import re
from functools import lru_cache

from bot.domain.words import Impact
from bot.sources.reading.text import clip, line
from bot.sources.reading.vocabulary import note

HOME = "https://health.aws.amazon.com/health/status"
_REGION = re.compile(
    r"(?:^|-)((?:af|ap|ca|cn|eu|eusc|il|me|mx|sa|us|us-gov|us-iso[a-z]?)"
    r"-(?:central|(?:north|south)(?:east|west)?|east|west|de-east)-\d{1,2})$"
)
_OLD_REGIONS = {"us-standard": "us-east-1"}  # S3's first name for it
_IN_NAME = re.compile(r"\s*\([^()]*\)\s*$")  # "Amazon Elastic Compute Cloud (N. Virginia)"
_RESOLVED = re.compile(r"\[\s*RESOLVED\s*\]\s*", re.IGNORECASE)
_IMPACTS = {"0": Impact.NONE, "1": Impact.MINOR, "2": Impact.MAJOR, "3": Impact.CRITICAL}

# Names for slugs that do not show them; the RSS feed gives slugs only.
_NAMES = {
    "apigateway": "Amazon API Gateway",
    "autoscaling": "AWS Auto Scaling",
    "cloudformation": "AWS CloudFormation",
    "cloudfront": "Amazon CloudFront",
    "cloudwatch": "Amazon CloudWatch",
    "directconnect": "AWS Direct Connect",
    "dynamodb": "Amazon DynamoDB",
    "ebs": "Amazon Elastic Block Store",
    "ec2": "Amazon Elastic Compute Cloud",
    "ecr": "Amazon Elastic Container Registry",
    "ecs": "Amazon Elastic Container Service",
    "eks": "Amazon Elastic Kubernetes Service",
    "elasticache": "Amazon ElastiCache",
    "elb": "Elastic Load Balancing",
    "events": "Amazon EventBridge",
    "fargate": "AWS Fargate",
    "iam": "AWS Identity and Access Management",
    "internetconnectivity": "Internet Connectivity",
    "kinesis": "Amazon Kinesis Data Streams",
    "kms": "AWS Key Management Service",
    "lambda": "AWS Lambda",
    "management-console": "AWS Management Console",
    "rds": "Amazon Relational Database Service",
    "redshift": "Amazon Redshift",
    "route53": "Amazon Route 53",
    "s3": "Amazon Simple Storage Service",
    "secretsmanager": "AWS Secrets Manager",
    "ses": "Amazon Simple Email Service",
    "sns": "Amazon Simple Notification Service",
    "sqs": "Amazon Simple Queue Service",
    "sts": "AWS Security Token Service",
    "vpc": "Amazon Virtual Private Cloud",
}
_SEVERAL = "multipleservices"
PLACE_MAX_CHARS = 160


def region_of(service: str) -> str | None:
    """The region at the end of a service id; None for global services, of which AWS says no region."""
    found = _REGION.search(service)
    if found:
        return found[1]
    return next((region for old, region in _OLD_REGIONS.items() if service.endswith(old)), None)


def component_of(service: str, name: object = "") -> str | None:
    """The service in words, with its short name where people would search for that: "Amazon ... Cloud (ec2)".

    None for "multiple services", which names none.
    """
    return _component(service, line(name, max_chars=120))


@lru_cache(maxsize=2048)  # ids and names are cut short before; at worst some 2 MB
def _component(service: str, name: str) -> str | None:
    slug = _slug(service)
    words = _IN_NAME.sub("", name) or _NAMES.get(slug, "")
    if slug == _SEVERAL or words.casefold() == "multiple services":
        return None
    if not words or not slug:
        return words or slug or None
    shown = re.sub(r"[^a-z0-9]", "", words.casefold())
    return words if re.sub(r"[^a-z0-9]", "", slug) in shown else clip(f"{words} ({slug})", PLACE_MAX_CHARS)


def impact_of(number: object, unknown: list[str]) -> Impact:
    """The impact of AWS' status numbers, which are written as text or number, even within one body."""
    said = "" if isinstance(number, bool) else str(number).strip()
    impact = _IMPACTS.get(said)
    if impact is None:
        note(unknown, "status", number)
    return impact or Impact.CRITICAL


def is_resolved(summary: object) -> bool:
    """True when a title carries AWS' only word for the end."""
    return isinstance(summary, str) and _RESOLVED.search(summary) is not None


def headline(summary: object) -> str:
    """A title without "[RESOLVED]", so that it does not change with the status."""
    return _RESOLVED.sub("", line(summary)).strip() or "Untitled"


def _slug(service: str) -> str:
    found = _REGION.search(service)
    if found:
        return service[: found.start()].casefold()
    old = next((old for old in _OLD_REGIONS if service.endswith(f"-{old}")), None)
    return (service.removesuffix(f"-{old}") if old else service).casefold()
