# The warehouse in a container: the image holds the program; projects are mounted at /projects.
#   docker build -t lesion-warehouse .
#   docker run --rm -v "$PWD:/projects" lesion-warehouse demo
FROM python:3.13-slim

WORKDIR /app
COPY . /app
RUN python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt -e . \
    && .venv/bin/pip install -q -c constraints.txt -e '.[postgres,openlineage]' \
    && useradd --create-home --uid 1000 lesions && mkdir /projects && chown lesions /projects

USER lesions
WORKDIR /projects
ENV PATH=/app/.venv/bin:$PATH
ENTRYPOINT ["lesions"]
CMD ["--help"]
