FROM python:3.11-slim AS build
WORKDIR /src
# Dependencies first: their layer changes only with the lock file.
COPY requirements requirements
RUN python -m venv /opt/tunecase \
    && /opt/tunecase/bin/pip install --no-cache-dir --require-hashes -r requirements/postgres.txt
COPY .ci/build.txt .ci/build.txt
RUN pip install --no-cache-dir --require-hashes -r .ci/build.txt
COPY . .
RUN python .ci/vendor.py \
    && python -m build --no-isolation --wheel --outdir dist . \
    && /opt/tunecase/bin/pip install --no-cache-dir --no-deps dist/tunecase-*.whl

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/tunecase --create-home tunecase
COPY --from=build /opt/tunecase /opt/tunecase
ENV PATH=/opt/tunecase/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TUNECASE_HOST=0.0.0.0
USER tunecase
# The default SQLite file is below here.
WORKDIR /var/lib/tunecase
VOLUME /var/lib/tunecase
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD \
    ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["tunecase", "serve"]
