"""The results, browse and compare pages: plain HTML and SVG."""
