"""How the page looks: system fonts only (nothing is fetched from a font server), Gradio's neutral theme, and our style sheets."""

from __future__ import annotations

import gradio as gr

from demos.colours import token
from demos.static_files import read

FONTS = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Consolas", "DejaVu Sans Mono", "monospace")


def theme() -> gr.themes.Base:
    """The theme of the page. Plain font names make no request; Gradio's font objects would."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.blue,
        neutral_hue=gr.themes.colors.slate,
        text_size=gr.themes.sizes.text_md,
        spacing_size=gr.themes.sizes.spacing_sm,
        radius_size=gr.themes.sizes.radius_md,
        font=FONTS,
        font_mono=MONO,
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        # The neutral default of 400 has too little contrast for small text (WCAG asks 4.5 to 1).
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_border_width="1px",
        block_shadow="none",
        block_label_text_size="*text_sm",
        block_info_text_size="*text_xs",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_text_color="white",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color_dark="white",
    )


def css() -> str:
    """All style sheets of the page."""
    return "\n".join(
        [
            *map(read, ("tokens.css", "page.css", "result.css", "generator.css", "learn.css", "compare.css")),
            *_dark_figures(),
        ]
    )


def _dark_figures() -> list[str]:
    """Figures come from Python, which does not know the page's theme: their light colours turn into the dark ones."""
    rules = []
    for name in ("forget", "remain", "before", "retrained"):
        rgb = ", ".join(str(part) for part in bytes.fromhex(token(name)[1:]))
        rules += [
            f'.dark .cmp-plot :is([style*="{paint}: rgb({rgb})"], [{paint}="rgb({rgb})"]) '
            f"{{ {paint}: var(--pg-{name}) !important; }}"
            for paint in ("fill", "stroke")
        ]
    return rules
