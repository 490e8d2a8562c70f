"""Settings turned into the plain objects that assets use."""

from __future__ import annotations

import dagster as dg

from stock_pipeline.resources import machinery, upstreams


def resources() -> dict[str, dg.ResourceDefinition]:
    """Return every resource by the name under which assets ask for it."""
    return {
        "settings": machinery.settings,
        "clock": machinery.clock,
        "db": machinery.db,
        "calendar": machinery.calendar,
        "archive": machinery.archive,
        "job_run": machinery.job_run,
        "transport": upstreams.transport,
        "krx": upstreams.krx,
        "fdr": upstreams.fdr,
        "dart": upstreams.dart,
        "fsc": upstreams.fsc,
        "fss": upstreams.fss,
        "krx_openapi": upstreams.krx_openapi,
        "price_sources": upstreams.price_sources,
        "yahoo": upstreams.yahoo,
        "coingecko": upstreams.coingecko,
        "defillama": upstreams.defillama,
        "alternative_me": upstreams.alternative_me,
        "fred": upstreams.fred,
        "google_news": upstreams.google_news,
        "fed": upstreams.fed,
    }
