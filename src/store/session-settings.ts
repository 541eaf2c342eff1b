/** What every session is told, so that both databases read times and texts alike. */
export const sessionSettings = `set timezone = 'UTC'; set datestyle = 'ISO, MDY'; set intervalstyle = 'postgres'`
