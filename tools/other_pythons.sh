#!/usr/bin/env bash
# Runs tests on every other supported Python that is installed, in an environment of its own beside .venv.
#
#     tools/other_pythons.sh core/tests
#
# Skipped with a sentence: a version that is not there, or for which the dependencies cannot be installed.
set -euo pipefail
own=$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')

for version in 3.11 3.12 3.13 3.14; do
	[ "$version" = "$own" ] && continue
	if ! "python$version" -c '' 2>/dev/null; then
		echo "Python $version: not installed, not run"
		continue
	fi
	folder=.venv-$version
	if [ ! -e "$folder/ready" ]; then
		"python$version" -m venv "$folder"
		if ! "$folder/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: -r requirements-dev.txt; then
			echo "Python $version: the dependencies cannot be installed, not run"
			rm -rf "$folder"
			continue
		fi
		touch "$folder/ready"
	fi
	echo "Python $version:"
	"$folder/bin/pytest" -q -n "${JOBS:-2}" --hypothesis-profile fleeting "$@"
done
