# A Docker Space, a classroom server or one's own machine. CPU build (smaller): docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu .
FROM python:3.12-slim

ARG TORCH_INDEX=""
RUN useradd --create-home --uid 1000 user
USER user
ENV HOME=/home/user \
    PATH=/home/user/.local/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    HF_HOME=/home/user/.cache/huggingface \
    GRADIO_TEMP_DIR=/home/user/.cache/gradio \
    MPLCONFIGDIR=/home/user/.cache/matplotlib \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    GRADIO_ANALYTICS_ENABLED=False
RUN mkdir -p "$HF_HOME" "$GRADIO_TEMP_DIR" "$MPLCONFIGDIR" "$HOME/app"
WORKDIR /home/user/app

# Packages before code: a change of the code does not install them again.
COPY --chown=user requirements.txt .
RUN if [ -n "$TORCH_INDEX" ]; then pip install --user --index-url "$TORCH_INDEX" torch torchvision; fi \
    && pip install --user -r requirements.txt
COPY --chown=user . .

EXPOSE 7860
CMD ["python", "app.py"]
