/* The table of shipctl-compose(7), made from the rows that the loader itself reads. */
#ifndef SHIP_SUPPORT_COMPOSE_TABLE_H
#define SHIP_SUPPORT_COMPOSE_TABLE_H

/* mdoc text, one list per part of the file. Heap string, caller frees. */
char *compose_table_format(void);

#endif
