# The device library in two files, in ${tp_amalgam}; the same as C for the
# compiler to carry along, ${tp_bundle}.
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
set(tp_amalgam ${PROJECT_BINARY_DIR}/amalgam)
set(tp_bundle ${PROJECT_BINARY_DIR}/bundle.c)
file(GLOB_RECURSE tp_amalgam_of CONFIGURE_DEPENDS
     core/*.[ch] include/*.h include/*.def runtime/*.[chS] runtime/*.inc
     scripts/amalgam/*.py scripts/amalgam/*.in scripts/amalgam/README.txt)
add_custom_command(
    OUTPUT ${tp_bundle} ${tp_amalgam}/tinypeft.c ${tp_amalgam}/tinypeft.h
    COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/scripts/amalgam/amalgam
            ${tp_amalgam} --embed ${tp_bundle}
    DEPENDS ${tp_amalgam_of} ${PROJECT_SOURCE_DIR}/scripts/amalgam/amalgam
            ${PROJECT_SOURCE_DIR}/cmake/sources.txt
            ${PROJECT_SOURCE_DIR}/LICENSE
    COMMENT "The device library in two files" VERBATIM)
