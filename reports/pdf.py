"""Turns one HTML page into PDF with WeasyPrint: pdf.py PAGE.html OUT.pdf.

Nothing is fetched but what the page itself carries. SOURCE_DATE_EPOCH makes equal pages equal files. Exit 0 done, 3 the
page could not be turned, 5 WeasyPrint is not installed.
"""
import logging
import sys

try:
    import weasyprint
except ImportError as why:
    print(f"weasyprint is not installed ({why})", file=sys.stderr)
    sys.exit(5)


def fetch(url, *args, **kwargs):
    """Only what stands in the page: whatever a device wrote into it, it must not make us open anything."""
    if url.startswith("data:"):
        return weasyprint.default_url_fetcher(url, *args, **kwargs)
    raise ValueError(f"{url[:80]} is outside the page")


def main(page, out):
    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)  # rules for screens are no news
    weasyprint.HTML(filename=page, url_fetcher=fetch).write_pdf(out)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2])
    except Exception as why:  # whatever it is, the run goes on and says so
        print(f"{type(why).__name__}: {why}"[:400], file=sys.stderr)
        sys.exit(3)
