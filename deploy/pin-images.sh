#!/bin/sh
# Writes deploy/images.env: each foreign image with the digest that its registry gives for its tag now. Needs docker with
# buildx and the network. Look at what changed, then build and start with it:
#
#   sh deploy/pin-images.sh && git diff deploy/images.env
#   docker compose --env-file deploy/images.env --env-file .env up -d --build --wait
set -eu
cd "$(dirname "$0")/.."
pins=deploy/images.env

images() { sed -nE 's/.*\$\{([A-Z]+_IMAGE):-([^}]+)\}.*/\1 \2/p' docker-compose.yml | sort -u; }
digest() { docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$1"; }

images | while read -r variable image; do
  found=$(digest "$image")
  case $found in
    sha256:????????????????????????????????????????????????????????????????) echo "$variable=$image@$found" ;;
    *)
      echo "pin-images: no digest for $image: $found" >&2
      exit 1 ;;
  esac
done > "$pins.new" || { rm -f "$pins.new"; exit 1; }
mv "$pins.new" "$pins"
