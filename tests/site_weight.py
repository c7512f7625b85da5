"""Ce que pèse le site, et quand un téléphone lent montre un chapitre.

Se lance par `python -m tests.site_weight`. Le réseau et le processeur sont ceux du « Slow 4G » et
du téléphone moyen de Lighthouse : 1,6 Mbit/s, 150 ms d'aller-retour, quatre fois moins vite
(https://github.com/GoogleChrome/lighthouse/blob/main/docs/throttling.md).
"""

import functools
import http.server
import statistics
import tempfile
import threading
from pathlib import Path

from workshop.browsers.finding import browser, find_chromium
from workshop.publishing.site import build

PAGES = ("index.html", "steps/05-consumers/README.html", "steps/12-limits/README.html")
TIMES = 5
NETWORK = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1.6e6 / 8,
    "uploadThroughput": 750e3 / 8,
}
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Ne dit rien."""


def first_display(chromium, url: str) -> tuple[float, float, int]:
    """Renvoie quand une page montre son texte, quand elle est finie (ms), et ses octets reçus."""
    page = chromium.new_page(viewport={"width": 360, "height": 640})
    session, received = page.context.new_cdp_session(page), []
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.send("Network.emulateNetworkConditions", NETWORK)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    page.goto(url, wait_until="load")
    page.wait_for_function(FIRST_PAINT + " !== null")
    finished = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    paint = page.evaluate(FIRST_PAINT)
    page.close()
    return paint, finished, int(sum(received))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder, "site")
        build(site)
        files = [path for path in site.rglob("*") if path.is_file()]
        print(f"{len(files)} fichiers, {sum(path.stat().st_size for path in files) / 1e6:.1f} Mo")
        handler = functools.partial(Quiet, directory=str(site))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            with browser(find_chromium()) as chromium:
                for name in PAGES:
                    url = f"http://127.0.0.1:{server.server_port}/{name}"
                    runs = [first_display(chromium, url) for _ in range(TIMES)]
                    paint, finished, received = (
                        statistics.median(each) for each in zip(*runs, strict=True)
                    )
                    print(
                        f"{name} : premier affichage {paint / 1000:.1f} s, fini "
                        f"{finished / 1000:.1f} s, {received / 1000:.0f} ko sans compression"
                    )
            server.shutdown()


if __name__ == "__main__":
    main()
