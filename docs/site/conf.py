"""How Sphinx builds the site from what stage.py has laid out."""
# pylint: disable=invalid-name
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
VERSION = re.search(r'#define TP_VERSION "(.*)"',
                    (HERE / "../../include/tinypeft/version.h").read_text())[1]

project = "TinyPEFT"
version = release = VERSION
extensions = ["myst_parser"]
root_doc = "index"
exclude_patterns = []

myst_heading_anchors = 4  # as on a forge
myst_links_external_new_tab = False
nitpicky = True

html_theme = "furo"
html_title = f"TinyPEFT {VERSION}"
html_static_path = [str(HERE / "site.css")]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_permalinks_icon = "#"
pygments_style = "friendly"
pygments_dark_style = "github-dark"
