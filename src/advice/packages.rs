//! What is known of modules that are not there: which package brings them, and what to use instead.

use Nature::{Dropped, Native, Pure, Renamed};

/// Why a module is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// Python alone: it can be added from outside.
    Pure,
    /// Code for a machine that the sandbox is not, or that needs what it has not.
    Native,
    /// A module that Python itself no longer has.
    Dropped,
    /// A distribution's name; the module, which is there, is called `instead`.
    Renamed,
}

impl Package {
    /// What is to be installed for it: where a dependency of the newest version is native code, an older one that is not.
    pub fn requirements(&self) -> &'static str {
        PINNED.iter().find(|(name, _)| *name == self.module).map_or(self.package, |(_, words)| words)
    }
}

/// Packages that work in the sandbox together with others only: what pip is to be told. Tried, each of them.
const PINNED: &[(&str, &str)] = &[
    ("altair", "\"altair<6\" \"jsonschema<4.18\" pyrsistent"),
    ("plotly", "plotly nbformat \"jsonschema<4.18\" pyrsistent"),
    ("nbformat", "nbformat \"jsonschema<4.18\" pyrsistent"),
];

/// One module.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    /// The name that is imported.
    pub module: &'static str,
    /// The name that is installed.
    pub package: &'static str,
    /// Why it is not there.
    pub nature: Nature,
    /// What to use instead, as part of a sentence; empty if nothing comes near.
    pub instead: &'static str,
    /// A line that does so; empty if none is short enough.
    pub example: &'static str,
}

const fn of(
    module: &'static str,
    package: &'static str,
    nature: Nature,
    instead: &'static str,
    example: &'static str,
) -> Package {
    Package { module, package, nature, instead, example }
}

const SKLEARN: &str = "scikit-learn (`sklearn`), for models that need no deep learning";
const SKLEARN_LINE: &str = "from sklearn.neural_network import MLPClassifier";
const BOOSTING: &str = "scikit-learn's `HistGradientBoostingClassifier` and `HistGradientBoostingRegressor`";
const BOOSTING_LINE: &str = "from sklearn.ensemble import HistGradientBoostingClassifier";
const IMAGES: &str = "Pillow (`PIL`), with numpy and `scipy.ndimage`";
const IMAGES_LINE: &str = "from PIL import Image";
const SQLITE: &str = "`sqlite3`, with the data in a file";
const SQLITE_LINE: &str = "import sqlite3\nconnection = sqlite3.connect(\"/app/data.db\")";
const PANDAS: &str = "pandas";
const PANDAS_LINE: &str = "import pandas as pd";
const CSV: &str = "CSV or pickle files, which pandas reads and writes here (`to_csv`, `to_pickle`)";
const CSV_LINE: &str = "df.to_csv(\"/app/out.csv\", index=False)";
const NO_NETWORK: &str = "files at /data or in /app; it would install, but has no network to speak to";
const PDF: &str = "pypdf, which reads, splits and merges PDF files";
const PDF_LINE: &str = "from pypdf import PdfReader\ntext = PdfReader(\"/app/file.pdf\").pages[0].extract_text()";
const INLINE: &str = "`%matplotlib inline`, the default; `ipywidgets.interact` redraws figures";
const VECTORS: &str = "numpy, whose array operations need no compiler of their own";
const VECTORS_LINE: &str = "import numpy as np\nresult = np.sqrt(values) + 1  # the whole array at once";

/// All that are known. A module that is not in this list and not installed is [`Package`]-less: nobody knows.
pub const PACKAGES: &[Package] = &[
    // Native code.
    of("torch", "torch", Native, "numpy and scikit-learn (`sklearn.neural_network`)", SKLEARN_LINE),
    of("torchvision", "torchvision", Native, IMAGES, IMAGES_LINE),
    of("tensorflow", "tensorflow", Native, SKLEARN, SKLEARN_LINE),
    of("keras", "keras", Native, SKLEARN, SKLEARN_LINE),
    of("jax", "jax", Native, VECTORS, VECTORS_LINE),
    of(
        "transformers",
        "transformers",
        Native,
        "scikit-learn's text features (`TfidfVectorizer`)",
        "from sklearn.feature_extraction.text import TfidfVectorizer",
    ),
    of(
        "sentence_transformers",
        "sentence-transformers",
        Native,
        "scikit-learn's text features (`TfidfVectorizer`)",
        "from sklearn.feature_extraction.text import TfidfVectorizer",
    ),
    of("spacy", "spacy", Native, "the `regex` module, or scikit-learn's text features", ""),
    of("tiktoken", "tiktoken", Native, "a count of words, or the `regex` module", ""),
    of("gensim", "gensim", Native, "scikit-learn's `LatentDirichletAllocation` and `TruncatedSVD`", ""),
    of("xgboost", "xgboost", Native, BOOSTING, BOOSTING_LINE),
    of("lightgbm", "lightgbm", Native, BOOSTING, BOOSTING_LINE),
    of("catboost", "catboost", Native, BOOSTING, BOOSTING_LINE),
    of("polars", "polars", Native, PANDAS, PANDAS_LINE),
    of("pyarrow", "pyarrow", Native, CSV, CSV_LINE),
    of("fastparquet", "fastparquet", Native, CSV, CSV_LINE),
    of("tables", "tables", Native, CSV, CSV_LINE),
    of("h5py", "h5py", Native, "`numpy.savez`, or pickle files", "np.savez(\"/app/arrays.npz\", x=x)"),
    of("netCDF4", "netCDF4", Native, "`scipy.io.netcdf_file`", "from scipy.io import netcdf_file"),
    of(
        "duckdb",
        "duckdb",
        Native,
        "`sqlite3`, with `pandas.DataFrame.to_sql` and `pandas.read_sql`",
        "import sqlite3, pandas as pd\nconnection = sqlite3.connect(\":memory:\")\ndf.to_sql(\"t\", connection)\npd.read_sql(\"select * from t\", connection)",
    ),
    of(
        "dask",
        "dask",
        Pure,
        "pandas, in pieces (`read_csv(..., chunksize=...)`)",
        "for part in pd.read_csv(\"/app/big.csv\", chunksize=100_000):\n    ...",
    ),
    of("pyspark", "pyspark", Native, PANDAS, PANDAS_LINE),
    of("cudf", "cudf", Native, PANDAS, PANDAS_LINE),
    of("cupy", "cupy", Native, "numpy", "import numpy as np"),
    of("numba", "numba", Native, VECTORS, VECTORS_LINE),
    of("llvmlite", "llvmlite", Native, VECTORS, VECTORS_LINE),
    of("Cython", "Cython", Native, VECTORS, VECTORS_LINE),
    of("cython", "Cython", Native, VECTORS, VECTORS_LINE),
    of("numexpr", "numexpr", Native, VECTORS, VECTORS_LINE),
    of("cffi", "cffi", Native, "", ""),
    of(
        "rpy2",
        "rpy2",
        Native,
        "scipy, statsmodels and scikit-learn; R itself cannot be run",
        "import statsmodels.api as sm",
    ),
    of("line_profiler", "line-profiler", Native, "`%prun`, which profiles by function, or `%fuel`", "%prun work()"),
    of("memory_profiler", "memory-profiler", Native, "`tracemalloc`; it needs `psutil`", "import tracemalloc"),
    of(
        "ctypes",
        "ctypes",
        Native,
        "`struct` and `array` for binary data; there is no native library to call",
        "import struct\nstruct.unpack(\"<I\", data[:4])",
    ),
    of("cv2", "opencv-python", Native, IMAGES, IMAGES_LINE),
    of("skimage", "scikit-image", Native, IMAGES, IMAGES_LINE),
    of("imageio", "imageio", Pure, IMAGES, IMAGES_LINE),
    of("pytesseract", "pytesseract", Native, "", ""),
    of("easyocr", "easyocr", Native, "", ""),
    of("fitz", "PyMuPDF", Native, PDF, PDF_LINE),
    of("pymupdf", "PyMuPDF", Native, PDF, PDF_LINE),
    of("pikepdf", "pikepdf", Native, PDF, PDF_LINE),
    of("pdf2image", "pdf2image", Native, PDF, PDF_LINE),
    of("weasyprint", "weasyprint", Native, "reportlab, which writes PDF files", "from reportlab.pdfgen import canvas"),
    of(
        "jsonschema",
        "jsonschema",
        Native,
        "checks by hand (`isinstance`, `in`); its dependency `rpds-py` is native code, that of `jsonschema<4.18` (`pyrsistent`) is not",
        "if not isinstance(data.get(\"age\"), int):\n    raise ValueError(\"age must be a whole number\")",
    ),
    of("rpds", "rpds-py", Native, "dict and tuple", ""),
    of(
        "pydantic",
        "pydantic",
        Native,
        "`dataclasses` or `attrs`, with checks in `__post_init__`; its core is native code",
        "from dataclasses import dataclass\n\n@dataclass\nclass User:\n    name: str",
    ),
    of("pydantic_core", "pydantic-core", Native, "`dataclasses` or `attrs`", ""),
    of("fastapi", "fastapi", Native, "nothing here: a sandbox serves no requests; call the functions themselves", ""),
    of("orjson", "orjson", Native, "`json`", "import json"),
    of("ujson", "ujson", Native, "`json`", "import json"),
    of("msgpack", "msgpack", Native, "`json` or `pickle`", "import json"),
    of("lz4", "lz4", Native, "`zlib`, `bz2` or `lzma`", "import zlib"),
    of("zstandard", "zstandard", Native, "`zlib`, `bz2` or `lzma`", "import zlib"),
    of(
        "Levenshtein",
        "Levenshtein",
        Native,
        "`difflib`",
        "import difflib\ndifflib.SequenceMatcher(None, a, b).ratio()",
    ),
    of("rapidfuzz", "rapidfuzz", Native, "`difflib`", "import difflib\ndifflib.get_close_matches(word, words)"),
    of("cryptography", "cryptography", Native, "`hashlib`, `hmac` and `secrets`", "import hashlib"),
    of("Crypto", "pycryptodome", Native, "`hashlib`, `hmac` and `secrets`", "import hashlib"),
    of(
        "bcrypt",
        "bcrypt",
        Native,
        "`hashlib.pbkdf2_hmac`",
        "import hashlib\nhashlib.pbkdf2_hmac(\"sha256\", password, salt, 100_000)",
    ),
    of("psycopg2", "psycopg2", Native, SQLITE, SQLITE_LINE),
    of("psycopg", "psycopg", Native, SQLITE, SQLITE_LINE),
    of("MySQLdb", "mysqlclient", Native, SQLITE, SQLITE_LINE),
    of("pyodbc", "pyodbc", Native, SQLITE, SQLITE_LINE),
    of("asyncpg", "asyncpg", Native, SQLITE, SQLITE_LINE),
    of("geopandas", "geopandas", Native, "pandas, with coordinates as columns", PANDAS_LINE),
    of("shapely", "shapely", Native, "numpy, or `scipy.spatial`", "from scipy.spatial import ConvexHull"),
    of("prophet", "prophet", Native, "statsmodels", "from statsmodels.tsa.holtwinters import ExponentialSmoothing"),
    of("cvxpy", "cvxpy", Native, "`scipy.optimize`", "from scipy.optimize import linprog, minimize"),
    of("ortools", "ortools", Native, "`scipy.optimize.milp`", "from scipy.optimize import milp"),
    of("umap", "umap-learn", Native, "`sklearn.manifold.TSNE`", "from sklearn.manifold import TSNE"),
    of(
        "psutil",
        "psutil",
        Native,
        "nothing: there is no other process to see; `cellblock`'s usage is in each cell's metadata",
        "",
    ),
    of("greenlet", "greenlet", Native, "asyncio", "import asyncio"),
    of("gevent", "gevent", Native, "asyncio", "import asyncio"),
    of("zmq", "pyzmq", Native, "", ""),
    of("grpc", "grpcio", Native, "", ""),
    of("pygame", "pygame", Native, "matplotlib, which shows figures inline", "import matplotlib.pyplot as plt"),
    of(
        "tkinter",
        "tkinter",
        Native,
        "ipywidgets, which the notebook shows",
        "import ipywidgets as widgets\nwidgets.Button(description=\"OK\")",
    ),
    of("PyQt5", "PyQt5", Native, "ipywidgets, which the notebook shows", "import ipywidgets as widgets"),
    of("ipympl", "ipympl", Native, INLINE, "%matplotlib inline"),
    of("selenium", "selenium", Native, NO_NETWORK, ""),
    of("playwright", "playwright", Native, NO_NETWORK, ""),
    of("fcntl", "fcntl", Native, "nothing: no other process can touch the workspace, so no lock is needed", ""),
    of("resource", "resource", Native, "the cell's metadata, which has its fuel, time and memory", ""),
    of("syslog", "syslog", Native, "`logging`", "import logging"),
    of("readline", "readline", Native, "", ""),
    of("termios", "termios", Native, "", ""),
    of("winreg", "winreg", Native, "", ""),
    of("msvcrt", "msvcrt", Native, "", ""),
    of("matplotlib.backends.backend_tkagg", "tkinter", Native, INLINE, "%matplotlib inline"),
    of("matplotlib.backends.backend_qtagg", "PyQt6", Native, INLINE, "%matplotlib inline"),
    of(
        "google",
        "google-colab",
        Native,
        "the workspace: files of the notebook are at /app. Neither Colab nor any service can be reached",
        "",
    ),
    of("pyautogui", "pyautogui", Native, "", ""),
    of("pyaudio", "pyaudio", Native, "", ""),
    of("sounddevice", "sounddevice", Native, "", ""),
    of("langchain", "langchain", Native, NO_NETWORK, ""),
    of("fsspec", "fsspec", Pure, "a file at /data or in /app; an address cannot be reached", ""),
    of("s3fs", "s3fs", Native, NO_NETWORK, ""),
    // Python alone.
    of("requests", "requests", Pure, "", ""),
    of("httpx", "httpx", Pure, "", ""),
    of("aiohttp", "aiohttp", Native, NO_NETWORK, ""),
    of("boto3", "boto3", Pure, "", ""),
    of("openai", "openai", Native, NO_NETWORK, ""),
    of("anthropic", "anthropic", Native, NO_NETWORK, ""),
    of("yfinance", "yfinance", Native, NO_NETWORK, ""),
    of(
        "docx",
        "python-docx",
        Pure,
        "mammoth, which is there, to read .docx files as HTML or text",
        "import mammoth\nwith open(\"/app/report.docx\", \"rb\") as file:\n    text = mammoth.extract_raw_text(file).value",
    ),
    of("pptx", "python-pptx", Pure, "", ""),
    of(
        "docx2txt",
        "docx2txt",
        Pure,
        "mammoth, which is there, to read .docx files",
        "import mammoth\ntext = mammoth.extract_raw_text(open(\"/app/report.docx\", \"rb\")).value",
    ),
    of("pdfplumber", "pdfplumber", Native, PDF, PDF_LINE),
    of("pdfminer", "pdfminer.six", Native, PDF, PDF_LINE),
    of("fpdf", "fpdf2", Pure, "reportlab, which is there, to write PDF files", "from reportlab.pdfgen import canvas"),
    of("odf", "odfpy", Pure, "", ""),
    of(
        "dotenv",
        "python-dotenv",
        Pure,
        "`os.environ`; variables come from the policy's `env`",
        "import os\nkey = os.environ.get(\"MY_VARIABLE\")",
    ),
    of("plotly", "plotly", Pure, "matplotlib or seaborn, which are there", "import matplotlib.pyplot as plt"),
    of(
        "nbformat",
        "nbformat",
        Pure,
        "`json`, which reads notebooks",
        "import json\nnotebook = json.load(open(\"/app/notebook.ipynb\"))",
    ),
    of("altair", "altair", Pure, "matplotlib or seaborn, which are there", "import matplotlib.pyplot as plt"),
    of("bokeh", "bokeh", Pure, "matplotlib or seaborn, which are there", "import matplotlib.pyplot as plt"),
    of("streamlit", "streamlit", Native, "ipywidgets, which the notebook shows", "import ipywidgets as widgets"),
    of("flask", "flask", Pure, "", ""),
    of("django", "django", Pure, "", ""),
    of("rich", "rich", Pure, "`IPython.display`, or tabulate", "from tabulate import tabulate"),
    of("click", "click", Pure, "`argparse`; in a notebook, plain variables", ""),
    of("typer", "typer", Pure, "`argparse`; in a notebook, plain variables", ""),
    of("faker", "faker", Pure, "`random`", "import random\nrandom.choice([\"Ann\", \"Bob\"])"),
    of("nltk", "nltk", Pure, "the `regex` module; its data would need the network", ""),
    of("textblob", "textblob", Pure, "", ""),
    of("pytest", "pytest", Pure, "`assert`, or `unittest`", ""),
    of("hypothesis", "hypothesis", Pure, "", ""),
    of("loguru", "loguru", Pure, "`logging`", "import logging"),
    of("termcolor", "termcolor", Pure, "", ""),
    of("colorama", "colorama", Pure, "", ""),
    of("pytz", "pytz", Pure, "`zoneinfo`", "from zoneinfo import ZoneInfo"),
    of("arrow", "arrow", Pure, "`datetime` and dateutil", "from dateutil import parser"),
    of("pendulum", "pendulum", Native, "`datetime` and dateutil", "from dateutil import parser"),
    of("dateparser", "dateparser", Pure, "dateutil", "from dateutil import parser"),
    of("toml", "toml", Pure, "`tomllib`", "import tomllib"),
    of("simplejson", "simplejson", Pure, "`json`", "import json"),
    of("ruamel", "ruamel.yaml", Pure, "`yaml`", "import yaml"),
    of("sqlalchemy", "sqlalchemy", Pure, "`sqlite3`", SQLITE_LINE),
    of("pymysql", "pymysql", Pure, "", ""),
    of("pymongo", "pymongo", Native, SQLITE, SQLITE_LINE),
    of("redis", "redis", Pure, "a dict; a session keeps its variables", ""),
    of("celery", "celery", Pure, "", ""),
    of("scrapy", "scrapy", Native, NO_NETWORK, ""),
    of("missingno", "missingno", Pure, "", ""),
    of("imblearn", "imbalanced-learn", Pure, "", ""),
    of("mlxtend", "mlxtend", Pure, "", ""),
    of(
        "shap",
        "shap",
        Native,
        "`sklearn.inspection.permutation_importance`",
        "from sklearn.inspection import permutation_importance",
    ),
    of("optuna", "optuna", Pure, "`sklearn.model_selection.RandomizedSearchCV`", ""),
    of("wordcloud", "wordcloud", Native, "matplotlib", ""),
    of("folium", "folium", Pure, "", ""),
    of("pulp", "pulp", Native, "`scipy.optimize.milp`", "from scipy.optimize import milp"),
    of("tenacity", "tenacity", Pure, "", ""),
    of("pyperclip", "pyperclip", Native, "", ""),
    of("unidecode", "unidecode", Pure, "`unicodedata.normalize`", ""),
    of("chardet", "chardet", Pure, "charset_normalizer, which is there", "from charset_normalizer import from_path"),
    of("inflect", "inflect", Pure, "", ""),
    of("pyfiglet", "pyfiglet", Pure, "", ""),
    of("prettytable", "prettytable", Pure, "tabulate, which is there", "from tabulate import tabulate"),
    of("humanize", "humanize", Pure, "", ""),
    of("emoji", "emoji", Pure, "", ""),
    of(
        "graphviz",
        "graphviz",
        Pure,
        "networkx with matplotlib; the program `dot` cannot be run",
        "import networkx as nx",
    ),
    of("pydot", "pydot", Pure, "networkx with matplotlib; the program `dot` cannot be run", "import networkx as nx"),
    of("xlwt", "xlwt", Pure, "openpyxl or xlsxwriter, which are there", "import openpyxl"),
    // Modules that Python has dropped.
    of(
        "distutils",
        "distutils",
        Dropped,
        "`packaging.version` for versions, `shutil` for files",
        "from packaging.version import Version",
    ),
    of("imp", "imp", Dropped, "`importlib`", "import importlib\nimportlib.reload(module)"),
    of("asynchat", "asynchat", Dropped, "asyncio", ""),
    of("asyncore", "asyncore", Dropped, "asyncio", ""),
    of("cgi", "cgi", Dropped, "`urllib.parse` and `email.message`", "from urllib.parse import parse_qs"),
    of("crypt", "crypt", Dropped, "`hashlib.pbkdf2_hmac`", ""),
    of("imghdr", "imghdr", Dropped, "Pillow", "from PIL import Image\nImage.open(\"/app/picture\").format"),
    of("pipes", "pipes", Dropped, "`shlex`", "import shlex"),
    of("telnetlib", "telnetlib", Dropped, "", ""),
    of("smtpd", "smtpd", Dropped, "", ""),
    of("uu", "uu", Dropped, "`base64` or `binascii`", "import base64"),
    of(
        "pkg_resources",
        "setuptools",
        Dropped,
        "`importlib.metadata` and `importlib.resources`",
        "from importlib.metadata import version",
    ),
    of("setuptools", "setuptools", Dropped, "`importlib.metadata`; there is nothing to build here", ""),
    // Distributions whose module has another name.
    of("beautifulsoup4", "beautifulsoup4", Renamed, "bs4", "from bs4 import BeautifulSoup"),
    of("beautifulsoup", "beautifulsoup4", Renamed, "bs4", "from bs4 import BeautifulSoup"),
    of("BeautifulSoup", "beautifulsoup4", Renamed, "bs4", "from bs4 import BeautifulSoup"),
    of("pillow", "pillow", Renamed, "PIL", "from PIL import Image"),
    of("Pillow", "pillow", Renamed, "PIL", "from PIL import Image"),
    of("Image", "pillow", Renamed, "PIL", "from PIL import Image"),
    of("scikit_learn", "scikit-learn", Renamed, "sklearn", "import sklearn"),
    of("pyyaml", "pyyaml", Renamed, "yaml", "import yaml"),
    of("PyYAML", "pyyaml", Renamed, "yaml", "import yaml"),
    of("python_dateutil", "python-dateutil", Renamed, "dateutil", "import dateutil"),
    of("pypdf2", "pypdf", Renamed, "pypdf", "from pypdf import PdfReader"),
    of("PyPDF", "pypdf", Renamed, "pypdf", "from pypdf import PdfReader"),
    of("XlsxWriter", "XlsxWriter", Renamed, "xlsxwriter", "import xlsxwriter"),
    of("StringIO", "StringIO", Renamed, "io", "from io import StringIO"),
    of("urllib2", "urllib2", Renamed, "urllib", "import urllib.request"),
    of("ConfigParser", "ConfigParser", Renamed, "configparser", "import configparser"),
    of("cPickle", "cPickle", Renamed, "pickle", "import pickle"),
];

/// What is known of a module, or of a distribution of that name.
pub fn known(name: &str) -> Option<&'static Package> {
    PACKAGES
        .iter()
        .find(|known| known.module == name)
        .or_else(|| PACKAGES.iter().find(|known| known.package.eq_ignore_ascii_case(name)))
}

#[cfg(test)]
#[path = "packages_tests.rs"]
mod tests;
