"""Unlearning Playground: `python app.py`, then open http://127.0.0.1:7860."""

from demos.app_builder import build_app

if __name__ == "__main__":
    build_app().launch()
