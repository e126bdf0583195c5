"""Models from the Hugging Face Hub by repository and pinned revision: looked up, shown, downloaded, checked, converted.

Only safetensors are ever opened.
"""
