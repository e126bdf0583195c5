"""Tab Unlearn: form, settings, live panel."""
