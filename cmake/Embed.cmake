# Turn a text file into C string literals, one a line: cmake -DFROM=file -DTO=header -P Embed.cmake
#
#   static const char prelude[] =
#   #include "plan/prelude.py.h"
#       ;
file(READ ${FROM} text)
string(REPLACE "\\" "\\\\" text "${text}")
string(REPLACE "\"" "\\\"" text "${text}")
string(REPLACE "\n" "\\n\"\n\"" text "${text}")
get_filename_component(name ${FROM} NAME)
file(WRITE ${TO} "/* ${name} as C strings, made by cmake/Embed.cmake. */\n\"${text}\"\n")
