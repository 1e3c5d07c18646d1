# shellcheck shell=bash disable=SC2034
# Where the project's things are found, in one place: images.sh and release.sh read it, a test holds charts and programs to it.
# Each may be set otherwise, for a fork or a mirror.

# The host and path of images and charts.
HEDDLE_REGISTRY=${HEDDLE_REGISTRY:-ghcr.io/heddle-dev}
# The page of the repository; releases are below it, as GitHub has them.
HEDDLE_REPOSITORY=${HEDDLE_REPOSITORY:-https://github.com/heddle-dev/heddle}
