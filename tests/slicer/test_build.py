"""The extension's build, configured by CMake with a stand-in for Slicer: from its folder and from the repository."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from .conftest import MODULE, ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.slicer,
    pytest.mark.skipif(shutil.which("cmake") is None, reason="no cmake on this machine"),
]

CONFIG = """
set(Slicer_USE_FILE ${CMAKE_CURRENT_LIST_DIR}/use.cmake)
set(Slicer_EXTENSION_GENERATE_CONFIG ${CMAKE_CURRENT_LIST_DIR}/empty.cmake)
set(Slicer_EXTENSION_CPACK ${CMAKE_CURRENT_LIST_DIR}/empty.cmake)
"""
USE = """
macro(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(M "WITH_GENERIC_TESTS" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  foreach(one ${M_SCRIPTS})
    string(REGEX REPLACE "[.]py$" "" one ${one})
    if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${one}.py)
      message(FATAL_ERROR "no ${one}")
    endif()
  endforeach()
  foreach(one ${M_RESOURCES})
    if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${one})
      message(FATAL_ERROR "no ${one}")
    endif()
  endforeach()
  message(STATUS "module ${M_NAME} of ${PROJECT_NAME} in ${EXTENSION_CATEGORY} needs ${EXTENSION_DEPENDS}")
endmacro()
"""


@pytest.mark.parametrize("source", [ROOT, ROOT / "slicer_extension"], ids=["repository", "folder"])
def test_the_extension_is_found_and_every_file_of_it(source: Path, tmp_path: Path) -> None:
    for name, text in (("SlicerConfig.cmake", CONFIG), ("use.cmake", USE), ("empty.cmake", "")):
        (tmp_path / name).write_text(text, "utf-8")
    words = ["cmake", "-S", source, "-B", tmp_path / "build", f"-DSlicer_DIR={tmp_path}", "-Wno-dev"]
    # No compiler is needed to build Python files.
    words += ["-DCMAKE_C_COMPILER_WORKS=1", "-DCMAKE_CXX_COMPILER_WORKS=1"]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert "module QuietVoxel of QuietVoxel in Filtering needs PyTorch" in done.stdout


def test_the_index_entry_names_a_folder_with_a_build() -> None:
    entry = json.loads((ROOT / "slicer_extension" / "QuietVoxel.json").read_text("utf-8"))
    assert "schema-v1.0.1" in entry["$schema"]
    assert (ROOT / entry["build_subdirectory"] / "CMakeLists.txt").exists()
    assert entry["category"] == "Filtering"
    assert MODULE.is_dir()
