# cmake --install: the device libraries of this machine and their headers, for
# CMake and for pkg-config; from the host's build also the compiler, and the
# device library as sources, for firmware that has a compiler of its own. The
# prefix may be moved: nothing that is installed knows where it lies.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(tp_package ${CMAKE_INSTALL_LIBDIR}/cmake/tinypeft)
set(tp_shared ${CMAKE_INSTALL_DATADIR}/tinypeft)

install(TARGETS tinypeft_core tinypeft_runtime EXPORT tinypeft-targets
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT tinypeft-targets NAMESPACE tinypeft:: DESTINATION ${tp_package})
install(DIRECTORY include/tinypeft DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

if(NOT CMAKE_CROSSCOMPILING)
    install(TARGETS tinypeft EXPORT tinypeft-tools)
    install(EXPORT tinypeft-tools NAMESPACE tinypeft::
            DESTINATION ${tp_package})
    install(DIRECTORY ${tp_amalgam} DESTINATION ${tp_shared})
    install(FILES docs/tinypeft.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()

# For another machine the package compiles the sources, so any size of a pointer
# will do.
configure_package_config_file(
    cmake/tinypeft-config.cmake.in tinypeft-config.cmake
    INSTALL_DESTINATION ${tp_package} PATH_VARS tp_shared)
write_basic_package_version_file(
    tinypeft-config-version.cmake COMPATIBILITY SameMinorVersion
    ARCH_INDEPENDENT)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tinypeft-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/tinypeft-config-version.cmake
              cmake/tinypeft-model.cmake
        DESTINATION ${tp_package})

# From the folder of tinypeft.pc back to the prefix.
set(tp_pkgconfig ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH tp_prefix /${tp_pkgconfig} /)
string(REGEX REPLACE "/$" "" tp_prefix ${tp_prefix})
list(JOIN tp_sanitizers " " tp_link)
configure_file(cmake/tinypeft.pc.in tinypeft.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tinypeft.pc
        DESTINATION ${tp_pkgconfig})
