# tinypeft_add_model(NAME MODEL.tflite [TARGET core] [ADAPTER spec...]
#                    [OPTIONS option...])
#
# A static library NAME, and its header NAME.h: the model as C, compiled anew
# whenever the .tflite changes. What it is for, --target, is TARGET; OPTIONS are
# further ones of `tinypeft compile`, such as --ram 24K.
function(tinypeft_add_model name model)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "TARGET" "ADAPTER;OPTIONS")
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "tinypeft_add_model(${name}): what is "
                            "'${arg_UNPARSED_ARGUMENTS}'?")
    endif()
    if(NOT TARGET tinypeft::tinypeft)
        message(FATAL_ERROR "tinypeft_add_model(${name}): there is no compiler "
                            "of models for this machine here: install the "
                            "package from a build for the host, and "
                            "find_package() that")
    endif()
    get_filename_component(model ${model} ABSOLUTE)
    set(folder ${CMAKE_CURRENT_BINARY_DIR}/${name}-model)
    set(command tinypeft::tinypeft compile ${model} --name ${name} -o ${folder}
                ${arg_OPTIONS})
    if(arg_TARGET)
        list(APPEND command --target ${arg_TARGET})
    endif()
    foreach(adapter IN LISTS arg_ADAPTER)
        list(APPEND command --adapter ${adapter})
    endforeach()
    add_custom_command(
        OUTPUT ${folder}/${name}.c ${folder}/${name}_weights.c
               ${folder}/${name}.h
        COMMAND ${command}
        DEPENDS ${model} tinypeft::tinypeft
        VERBATIM)
    add_library(${name} STATIC ${folder}/${name}.c ${folder}/${name}_weights.c)
    set_target_properties(${name} PROPERTIES C_STANDARD 11)
    target_include_directories(${name} PUBLIC ${folder})
    target_link_libraries(${name} PUBLIC tinypeft::runtime)
endfunction()
