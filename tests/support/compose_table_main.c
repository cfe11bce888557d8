/* Prints the table of shipctl-compose(7), to be pasted between its two marks. */
#include <stdio.h>

#include "base/auto.h"
#include "support/compose_table.h"

int main(void)
{
    AUTO_FREE char *table = compose_table_format();
    return fputs(table, stdout) < 0;
}
