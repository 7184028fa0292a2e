"""The panels of a dashboard in Grafana's model: what each kind of visualization looks like."""

from __future__ import annotations

from typing import Any, TypeAlias

from grafana_foundation_sdk.models import bargauge, common, heatmap, prometheus, stat, table, text, timeseries
from grafana_foundation_sdk.models import dashboard as sdk

from .model import Dashboard, Panel, Query

Options: TypeAlias = (
    stat.Options | bargauge.Options | table.Options | heatmap.Options | timeseries.Options | text.Options
)
DATA_SOURCE = common.DataSourceRef("prometheus", "${datasource}")
_ALL_VARIABLES = "${__url_time_range}&${__all_variables}"
_REF_IDS = "ABCDEF"
_FORMATS = {"table": prometheus.PromQueryFormat.TABLE, "heatmap": prometheus.PromQueryFormat.HEATMAP}


def grafana_panel(number: int, place: sdk.GridPos, panel: Panel, dashboards: tuple[Dashboard, ...]) -> sdk.Panel:
    """A panel at its place, with a link to the one of `dashboards` that shows its details."""
    written = sdk.Panel(
        type_val=panel.kind,
        id_val=number,
        title=panel.title,
        description=panel.description,
        grid_pos=place,
        options=_options(panel),
    )
    if panel.kind == "text":
        return written
    written.datasource = DATA_SOURCE
    written.links = [_details(dashboard) for dashboard in dashboards if dashboard.uid == panel.details]
    written.targets = [_target(ref_id, panel, query) for ref_id, query in zip(_REF_IDS, panel.queries, strict=False)]
    written.field_config = sdk.FieldConfigSource(_field_config(panel), [])
    written.transformations = _transformations(panel) if panel.kind == "table" else None
    return written


def _details(dashboard: Dashboard) -> sdk.DashboardLink:
    return sdk.DashboardLink(
        f"Look closer: {dashboard.title}",
        sdk.DashboardLinkType.LINK,
        url=f"/d/{dashboard.uid}?{_ALL_VARIABLES}",
        tags=[],
    )


def _target(ref_id: str, panel: Panel, query: Query) -> prometheus.Dataquery:
    return prometheus.Dataquery(
        query.expr,
        ref_id=ref_id,
        datasource=DATA_SOURCE,
        editor_mode=prometheus.QueryEditorMode.CODE,
        legend_format=query.legend or "__auto",
        format_val=_FORMATS.get(panel.kind, prometheus.PromQueryFormat.TIME_SERIES),
        instant=query.instant,
        range_val=not query.instant,
        exemplar=query.exemplars,
    )


def _field_config(panel: Panel) -> sdk.FieldConfig:
    steps = panel.thresholds.steps() if panel.thresholds else ((None, "text"),)
    config = sdk.FieldConfig(
        unit=panel.unit,
        decimals=panel.decimals,
        min_val=panel.minimum,
        max_val=panel.maximum,
        mappings=[],
        thresholds=sdk.ThresholdsConfig(
            sdk.ThresholdsMode.ABSOLUTE, [sdk.Threshold(value, color) for value, color in steps]
        ),
    )
    if panel.kind == "timeseries":
        config.color = sdk.FieldColor(sdk.FieldColorModeId.PALETTE_CLASSIC)
        config.custom = _lines(panel)
    elif panel.kind in ("stat", "bargauge"):
        config.color = sdk.FieldColor(sdk.FieldColorModeId.THRESHOLDS)
    return config


def _lines(panel: Panel) -> common.GraphFieldConfig:
    stacking = common.StackingMode.NORMAL if panel.stacked else common.StackingMode.NONE
    style = common.GraphThresholdsStyleMode.DASHED if panel.thresholds else common.GraphThresholdsStyleMode.OFF
    return common.GraphFieldConfig(
        draw_style=common.GraphDrawStyle.LINE,
        line_interpolation=common.LineInterpolation.LINEAR,
        line_width=1,
        fill_opacity=40 if panel.stacked else 8,
        show_points=common.VisibilityMode.NEVER,
        span_nulls=False,
        stacking=common.StackingConfig(stacking, "A"),
        thresholds_style=common.GraphThresholdsStyleConfig(style),
    )


def _options(panel: Panel) -> Options:
    last_value = common.ReduceDataOptions(values=False, calcs=["lastNotNull"], fields="")
    match panel.kind:
        case "text":
            return text.Options(text.TextMode.MARKDOWN, content=panel.text)
        case "stat":
            return stat.Options(
                graph_mode=common.BigValueGraphMode.AREA,
                color_mode=common.BigValueColorMode.VALUE,
                justify_mode=common.BigValueJustifyMode.CENTER,
                text_mode=common.BigValueTextMode.AUTO,
                reduce_options=last_value,
                orientation=common.VizOrientation.AUTO,
            )
        case "bargauge":
            return bargauge.Options(
                display_mode=common.BarGaugeDisplayMode.BASIC,
                reduce_options=last_value,
                orientation=common.VizOrientation.HORIZONTAL,
            )
        case "table":
            return table.Options(cell_height=common.TableCellHeight.SM)
        case "heatmap":
            return _heatmap(panel)
        case "timeseries":
            return timeseries.Options(
                legend=common.VizLegendOptions(
                    common.LegendDisplayMode.LIST, common.LegendPlacement.BOTTOM, show_legend=True, calcs=[]
                ),
                tooltip=common.VizTooltipOptions(common.TooltipDisplayMode.MULTI, common.SortOrder.DESCENDING),
            )


def _heatmap(panel: Panel) -> heatmap.Options:
    return heatmap.Options(
        calculate=False,
        color=heatmap.HeatmapColorOptions(
            heatmap.HeatmapColorMode.SCHEME, scheme="Oranges", fill="dark-orange", exponent=0.5, steps=64
        ),
        filter_values=heatmap.FilterValueRange(le=1e-9),
        cell_gap=1,
        y_axis=heatmap.YAxisConfig(unit=panel.unit, axis_placement=common.AxisPlacement.LEFT),
        legend=heatmap.HeatmapLegend(show=True),
        tooltip=heatmap.HeatmapTooltip(common.TooltipDisplayMode.SINGLE, y_histogram=True),
        exemplars=heatmap.ExemplarConfig("rgba(255,0,255,0.7)"),
    )


def _transformations(panel: Panel) -> list[sdk.DataTransformerConfig]:
    """Shows the named labels in their order, and the value only if it is named."""
    names = [name for name, _ in panel.columns]
    include: dict[str, Any] = {"include": {"names": names}}
    order: dict[str, Any] = {
        "indexByName": {name: place for place, name in enumerate(names)},
        "renameByName": dict(panel.columns),
    }
    return [
        sdk.DataTransformerConfig("filterFieldsByName", options=include),
        sdk.DataTransformerConfig("organize", options=order),
    ]
