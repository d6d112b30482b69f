# Bare-metal Cortex-M. -DTINYPEFT_CPU=m0|m3|m4|m7|m33|m55 chooses the core; the
# float ABI is soft, for device code has no float to put into registers. But for
# M55: GCC has no vector instructions with it.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES TINYPEFT_CPU)

set(TINYPEFT_CPU m0 CACHE STRING "Cortex core: m0, m3, m4, m7, m33 or m55")
if(NOT TINYPEFT_CPU MATCHES "^m(0|3|4|7|33|55)$")
    message(FATAL_ERROR
            "TINYPEFT_CPU is '${TINYPEFT_CPU}': m0, m3, m4, m7, m33 or m55")
endif()
set(float soft)
if(TINYPEFT_CPU STREQUAL m55)
    set(float softfp)
endif()

set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_ASM_COMPILER arm-none-eabi-gcc)
foreach(language C ASM)
    set(CMAKE_${language}_FLAGS_INIT
        "-mcpu=cortex-${TINYPEFT_CPU} -mthumb -mfloat-abi=${float} --specs=nano.specs")
endforeach()
set(CMAKE_C_FLAGS_RELEASE_INIT "-O2")
set(CMAKE_C_FLAGS_RELEASE "-O2" CACHE STRING "asserts stay in")

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
