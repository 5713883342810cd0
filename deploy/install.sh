#!/bin/sh
# Installs into /opt/dmarq, and leaves nothing behind that differs from one build to the next. Part of deploy/Dockerfile.
#
#   install.sh lock FILE        the packages of a lock file, none without its hash
#   install.sh sources DIR...   our own packages, whose dependencies a lock file has brought
#   install.sh sbom FILE DIR    what is installed, as /opt/dmarq/sbom.cdx.json (CycloneDX), with the hashes of the lock file
set -eu

wheels() { tools/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$@"; }
install() { tools/bin/pip --python /opt/dmarq/bin/python install --quiet --no-compile --no-deps --no-index "$@"; }

what=$1
shift
case $what in
  lock)
    # nkeys has no wheel; it is built from its hashed source, by the build tools of locks/build.txt.
    wheels locked --require-hashes --only-binary :all: --no-binary nkeys -r "$1"
    install locked/*.whl
    rm -r locked ;;
  sources)
    for directory in "$@"; do wheels ours "./$directory"; done
    install ours/*.whl
    # Where they were installed from is of no use in an image.
    find /opt/dmarq -name direct_url.json -delete
    # Bytecode once, with the source's hash instead of its time: a read-only container could not keep it.
    /opt/dmarq/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/dmarq/lib
    find /opt/dmarq -exec touch --no-dereference --date "@${SOURCE_DATE_EPOCH}" {} + ;;
  sbom)
    tools/bin/cyclonedx-py requirements --output-reproducible --pyproject "$2/pyproject.toml" \
      --output-file /opt/dmarq/sbom.cdx.json "$1"
    touch --date "@${SOURCE_DATE_EPOCH}" /opt/dmarq/sbom.cdx.json ;;
  *)
    echo "install.sh lock FILE | sources DIR... | sbom FILE DIR" >&2
    exit 2 ;;
esac
