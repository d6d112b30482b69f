# How every target of ours is compiled, and how a folder becomes a library.

set(tp_warnings
    -Wall -Wextra -Wconversion -Wsign-conversion -Wdouble-promotion -Wshadow
    -Wundef -Wstrict-prototypes -Wmissing-prototypes -Wcast-align -Wcast-qual
    -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 -Wswitch-enum
    -Wimplicit-fallthrough)

if(TINYPEFT_SANITIZE)
    set(tp_sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
endif()

if(TINYPEFT_FUZZ)
    list(APPEND tp_sanitizers -fsanitize=fuzzer-no-link)
endif()

# The flags of one target. Device code adds a bound on each stack frame and
# one section per symbol, so that an unused kernel is an unlinked one.
function(tp_settings target)
    target_compile_options(${target} PRIVATE -pedantic ${tp_warnings}
                           -ffp-contract=off ${tp_sanitizers})
    target_link_options(${target} PRIVATE ${tp_sanitizers})
    if(TINYPEFT_WERROR)
        target_compile_options(${target} PRIVATE -Werror)
    endif()
    if(TINYPEFT_ANALYZE AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
        target_compile_options(${target} PRIVATE -fanalyzer)
    endif()
    if(CMAKE_CROSSCOMPILING)
        target_compile_options(
            ${target} PRIVATE -ffunction-sections -fdata-sections -fno-common
                              -Wstack-usage=512 -fcallgraph-info=su)
    endif()
    target_include_directories(
        ${target} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
endfunction()

# tp_library(name [SOURCES files...] [GLOB patterns... [EXCEPT regex]]
#            [DEPENDS libraries...]):
# tinypeft_<name>, known outside as tinypeft::<name>, from files and from every
# source below a folder. Without a source file it is an interface library, so
# that dependants need not care.
function(tp_library name)
    cmake_parse_arguments(arg "" "EXCEPT" "SOURCES;GLOB;DEPENDS" ${ARGN})
    set(sources)
    if(arg_GLOB)
        file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${arg_GLOB})
    endif()
    if(arg_EXCEPT)
        list(FILTER sources EXCLUDE REGEX ${arg_EXCEPT})
    endif()
    list(APPEND sources ${arg_SOURCES})
    set(target tinypeft_${name})
    if(sources)
        add_library(${target} STATIC ${sources})
        tp_settings(${target})
        target_link_options(${target} INTERFACE ${tp_sanitizers})
        set(scope PUBLIC)
    else()
        add_library(${target} INTERFACE)
        set(scope INTERFACE)
    endif()
    add_library(tinypeft::${name} ALIAS ${target})
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
    target_include_directories(
        ${target} ${scope} $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
    foreach(dependency IN LISTS arg_DEPENDS)
        if(TARGET tinypeft_${dependency})
            set(dependency tinypeft_${dependency})
        endif()
        target_link_libraries(${target} ${scope} ${dependency})
    endforeach()
endfunction()
