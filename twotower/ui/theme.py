"""Colours, type and spacing of Gradio's own widgets. Knows no page.

Only fonts that are on the visitor's machine: the page asks no other host for anything.
"""

from __future__ import annotations

import gradio as gr

SANS = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
MONO = ("ui-monospace", "SF Mono", "Cascadia Mono", "Menlo", "Consolas", "Liberation Mono", "monospace")

ACCENT = gr.themes.Color(
    c50="#fdf3ec",
    c100="#fbe3d3",
    c200="#f6c5a6",
    c300="#efa174",
    c400="#e67c3f",
    c500="#d55e00",
    c600="#b84f00",
    c700="#953f00",
    c800="#753200",
    c900="#5a2700",
    c950="#3a1900",
    name="accent",
)


_SETTINGS = {
    "body_background_fill": "#fbfaf8",
    "body_background_fill_dark": "#131211",
    "background_fill_primary": "#ffffff",
    "background_fill_primary_dark": "#1b1a18",
    "background_fill_secondary": "#f5f3f0",
    "background_fill_secondary_dark": "#211f1d",
    "body_text_color": "#1c1a17",
    "body_text_color_dark": "#ece9e4",
    "body_text_color_subdued": "#68625a",
    "body_text_color_subdued_dark": "#a39c92",
    "border_color_primary": "#e3dfd9",
    "border_color_primary_dark": "#34312d",
    "block_border_width": "0px",
    "block_shadow": "none",
    "block_background_fill": "transparent",
    "block_background_fill_dark": "transparent",
    "block_label_background_fill": "transparent",
    "block_label_background_fill_dark": "transparent",
    "block_info_text_color": "*body_text_color_subdued",
    "block_info_text_color_dark": "*body_text_color_subdued",
    "block_title_text_weight": "600",
    "block_title_text_color": "*body_text_color",
    "block_title_text_color_dark": "*body_text_color",
    "block_padding": "0px",
    "input_background_fill": "*background_fill_primary",
    "input_background_fill_dark": "*background_fill_primary",
    "input_border_width": "1px",
    "input_border_width_dark": "1px",
    "input_border_color_focus": "*primary_500",
    "input_border_color_focus_dark": "*primary_500",
    "slider_color": "*primary_500",
    "slider_color_dark": "*primary_500",
    "button_primary_background_fill": "*primary_600",
    "button_primary_background_fill_hover": "*primary_700",
    "button_primary_background_fill_dark": "*primary_600",
    "button_primary_background_fill_hover_dark": "*primary_700",
    "button_primary_text_color": "white",
    "button_primary_text_color_dark": "white",
    "button_secondary_background_fill": "*background_fill_primary",
    "button_secondary_background_fill_dark": "*background_fill_primary",
    "button_secondary_background_fill_hover": "*background_fill_secondary",
    "button_secondary_background_fill_hover_dark": "*background_fill_secondary",
    "button_secondary_border_color": "*border_color_primary",
    "button_secondary_border_color_dark": "*border_color_primary",
    "button_border_width": "1px",
    "button_large_text_size": "*text_md",
    "checkbox_background_color_selected": "*primary_600",
    "checkbox_background_color_selected_dark": "*primary_600",
    "checkbox_border_color_selected": "*primary_600",
    "checkbox_border_color_selected_dark": "*primary_600",
    "checkbox_label_background_fill": "transparent",
    "checkbox_label_background_fill_dark": "transparent",
    "checkbox_label_background_fill_selected": "transparent",
    "checkbox_label_background_fill_selected_dark": "transparent",
    "checkbox_label_background_fill_hover": "transparent",
    "checkbox_label_background_fill_hover_dark": "transparent",
}


def page_theme() -> gr.themes.Base:
    """Flat surfaces, hairlines, one accent."""
    theme = gr.themes.Base(
        primary_hue=ACCENT,
        secondary_hue=ACCENT,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_sm,
        font=SANS,
        font_mono=MONO,
    )
    return theme.set(**_SETTINGS)
